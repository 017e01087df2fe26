/**
 * The runs of the model: who is there, what the attacker has, what is left out, and what is asked, with the verdict that
 * is expected. Fields that a run does not give are `NORMAL`'s. Names are those of the Maude files; README.md says in words
 * what each run is for.
 *
 * `checks`: `holds` = the search has to end without reaching a state that breaks any of the queries; `attack` = it has to
 * reach one that breaks the query; `reachable` = the same, for what honest peers have to be able to do.
 */

const SECRECY = ['secrecyOfKey', 'secrecyOfFirst', 'secrecyOfAnswer', 'secrecyOfNext'];
const AUTHENTICATION = ['initiatorAuthenticates', 'responderAuthenticates', 'responderConfirms'];
/** Everything that a session of honest peers is to have. */
export const QUERIES = [...SECRECY, ...AUTHENTICATION, 'acceptedOnce', 'confirmedOnce', 'sharedUnderstanding'];

const ALL_HOLD = [{ expected: 'holds', queries: QUERIES }];
const holds = (...queries) => ({ expected: 'holds', queries });
const attack = (...queries) => ({ expected: 'attack', queries });
const reachable = (query) => ({ expected: 'reachable', queries: [query] });

const initiate = (peer, count = 1) => `pool(initiator, ${peer}, ${count})`;
const respond = (peer, count = 1) => `pool(responder, ${peer}, ${count})`;
const copies = (...peers) => ['own', ...peers.map((peer) => `copy(${peer})`)];

/** Eve is inside: she holds the link, and a device of her own. */
const INSIDER = ['attackers', 'attackersKem', 'attackersSeed', 'signing(eve)', 'psk(room1)'];
const OUTSIDER = INSIDER.filter((item) => item !== 'psk(room1)');
const LONG_TERM = ['ik(alice)', 'ik(bob)', 'signing(alice)', 'signing(bob)', 'psk(room1)'];
const LAST_RESORT = ['spk(alice1)', 'spk(bob1)', 'lastKem(alice1)', 'lastKem(bob1)'];
const ALL_BROKEN = ['brokenDh', 'brokenKem', 'brokenSignatures'];

/** Alice comes, Bob is there. */
const NORMAL = {
  checks: ALL_HOLD,
  sessions: [initiate('alice1'), respond('bob1')],
  peers: ['alice1', 'bob1'],
  oneTimeCount: 1,
  knows: INSIDER,
  sources: copies('alice1', 'bob1'),
  isWide: false,
  leftOut: [],
  compromised: [],
  reveals: [],
  isBetraying: false,
  /** A Maude condition over the session's `role` and one-time `id`. */
  speaksOf: 'true',
  /** Takes more than a second or two. */
  isLong: false,
};

const TWICE = [initiate('alice1'), respond('bob1', 2)];
const TWO_AND_TWO = [initiate('alice1', 2), respond('bob1', 2)];
const BOTH_WAYS = [initiate('alice1'), respond('bob1'), initiate('bob1'), respond('alice1')];
const TWO_ROOMS = {
  sessions: [initiate('alice1'), respond('bob1'), respond('bob2')],
  peers: ['alice1', 'bob1', 'bob2'],
  sources: copies('alice1', 'bob1', 'bob2'),
  knows: [...INSIDER, 'psk(room2)'],
};
const TWO_MODES = {
  sessions: [initiate('alice1'), respond('bob3')],
  peers: ['alice1', 'bob3'],
  sources: copies('alice1', 'bob3'),
};

const PROTOCOL = [
  {
    name: 'what has to be possible',
    checks: ['completesWithOneTimeKey', 'completesWithoutOneTimeKey', 'eveIsAnswered', 'eveIsTold'].map(reachable),
  },
  { name: 'insider, one session each, every mixture of fields', isWide: true },
  {
    name: 'insider, blinded keys too',
    isWide: true,
    sources: [...copies('alice1', 'bob1'), 'blinding(alice1)', 'blinding(bob1)'],
  },
  { name: 'insider, first message played to a second session', sessions: TWICE, oneTimeCount: 2 },
  { name: 'insider, two sessions each', sessions: TWO_AND_TWO, oneTimeCount: 2, isLong: true },
  { name: 'insider, both play both roles', sessions: BOTH_WAYS, isLong: true },
  {
    name: 'two tabs of one device, and Bob',
    sessions: [initiate('alice1'), respond('alice2'), respond('bob1')],
    peers: ['alice1', 'alice2', 'bob1'],
    sources: copies('alice1', 'alice2', 'bob1'),
  },
  { name: 'Bob in two rooms', ...TWO_ROOMS },
  {
    name: 'two modes do not meet',
    ...TWO_MODES,
    checks: [...ALL_HOLD, holds('completesWithOneTimeKey', 'completesWithoutOneTimeKey')],
  },
  { name: 'long-term keys and link revealed later', reveals: LONG_TERM, sessions: TWICE },
  { name: 'and X25519 and signatures broken later', reveals: [...LONG_TERM, 'brokenDh', 'brokenSignatures'] },
  { name: 'and ML-KEM broken later', reveals: [...LONG_TERM, 'brokenKem'] },
  {
    name: 'last-resort keys revealed later, one-time key used',
    reveals: [...LONG_TERM, ...LAST_RESORT],
    speaksOf: 'id =/= 0',
  },
  {
    name: 'last-resort keys revealed later, no one-time key: from the answer on',
    reveals: [...LONG_TERM, ...LAST_RESORT],
    speaksOf: 'id == 0',
    checks: [holds('secrecyOfAnswer', 'secrecyOfNext')],
  },
  {
    name: 'X25519 broken: whoever initiates to a signed bundle',
    knows: [...INSIDER, 'brokenDh'],
    speaksOf: 'role == initiator',
  },
  { name: 'ML-KEM broken', knows: [...INSIDER, 'brokenKem'], isWide: true },
  { name: 'outsider, all else broken', knows: [...OUTSIDER, ...ALL_BROKEN], isWide: true, sessions: TWICE },
  { name: 'signing keys stolen, X25519 keys not', knows: [...INSIDER, 'signing(alice)', 'signing(bob)'], isWide: true },
  {
    name: 'all long-term keys of Alice stolen: nobody poses to her as Bob',
    knows: [...INSIDER, 'ik(alice)', 'signing(alice)'],
    compromised: ['alice'],
    isWide: true,
  },
  {
    name: "one-time key of Bob's stolen, both halves",
    knows: [...INSIDER, 'opk(bob1, 1)', 'oneKem(bob1, 1)'],
    isWide: true,
  },
  {
    name: "last-resort keys of Bob's stolen: whoever initiates to him",
    knows: [...INSIDER, 'spk(bob1)', 'lastKem(bob1)'],
    speaksOf: 'role == initiator',
  },
  {
    name: 'all secrets of one session revealed: the others',
    isBetraying: true,
    sessions: TWO_AND_TWO,
    sources: ['own'],
    isLong: true,
  },
  {
    name: 'all secrets of one session revealed, both roles',
    isBetraying: true,
    sessions: BOTH_WAYS,
    sources: ['own'],
    isLong: true,
  },
  {
    name: 'long-term keys and link revealed later, both roles',
    reveals: LONG_TERM,
    sessions: BOTH_WAYS,
    sources: ['own'],
    isLong: true,
  },
];

/** What the protocol does not give: the attack has to be found here too, or else the documents say too little. */
const LIMITS = [
  {
    name: 'X25519 broken: who answers does not know to whom',
    knows: [...INSIDER, 'brokenDh'],
    checks: [attack('responderAuthenticates')],
  },
  {
    name: 'X25519 and signatures broken: nobody knows anybody',
    knows: [...INSIDER, 'brokenDh', 'brokenSignatures'],
    checks: [attack('secrecyOfFirst'), attack('initiatorAuthenticates')],
  },
  {
    name: "last-resort keys of Bob's stolen: anybody poses to him as Alice",
    knows: [...INSIDER, 'spk(bob1)', 'lastKem(bob1)'],
    checks: [attack('responderAuthenticates')],
  },
  {
    name: 'last-resort keys revealed later, no one-time key: the first message',
    reveals: [...LONG_TERM, ...LAST_RESORT],
    speaksOf: 'id == 0',
    checks: [attack('secrecyOfFirst')],
  },
];

/** The protocol with something left out that it would be easy to leave out. */
const MUTANTS = [
  {
    name: 'transcript without fingerprints',
    leftOut: ['fingerprintsInTranscript'],
    checks: [attack('responderAuthenticates')],
  },
  {
    name: 'transcript without certificates',
    leftOut: ['certificatesInTranscript'],
    checks: [attack('sharedUnderstanding')],
  },
  { name: 'transcript without peer ids', leftOut: ['peerIdsInTranscript'], checks: [attack('responderAuthenticates')] },
  {
    name: 'transcript without ephemeral key',
    leftOut: ['ephemeralInTranscript'],
    checks: [attack('responderAuthenticates')],
  },
  {
    name: 'transcript without mode, mode unchecked',
    ...TWO_MODES,
    leftOut: ['modeInTranscript', 'modeCheck'],
    checks: [attack('responderAuthenticates')],
  },
  { name: 'transcript without suites', leftOut: ['suitesInTranscript'], checks: [attack('responderAuthenticates')] },
  {
    name: 'transcript without pre-keys, no DH4, one-time ML-KEM key stolen',
    leftOut: ['preKeysInTranscript', 'oneTimeDh'],
    knows: [...INSIDER, 'oneKem(bob1, 1)'],
    checks: [attack('responderAuthenticates')],
  },
  {
    name: 'room in no signature, transcript or key',
    ...TWO_ROOMS,
    leftOut: ['roomInSignatures', 'roomInTranscript', 'pskInKdf'],
    checks: [attack('sharedUnderstanding')],
  },
  {
    name: 'no identity DH of the initiator (DH1)',
    leftOut: ['identityDhOfInitiator'],
    checks: [attack('responderAuthenticates')],
  },
  {
    name: 'no identity DH of the responder (DH2), signing key stolen',
    leftOut: ['identityDhOfResponder'],
    knows: [...INSIDER, 'signing(bob)'],
    checks: [attack('secrecyOfFirst'), attack('initiatorAuthenticates')],
  },
  {
    name: 'no ML-KEM, X25519 broken',
    leftOut: ['kemSecret'],
    knows: [...INSIDER, 'brokenDh'],
    speaksOf: 'role == initiator',
    checks: [attack('secrecyOfFirst')],
  },
  {
    name: 'no ML-KEM, X25519 broken later',
    leftOut: ['kemSecret'],
    reveals: [...LONG_TERM, 'brokenDh', 'brokenSignatures'],
    checks: [attack('secrecyOfNext')],
  },
  {
    name: 'pre-keys not signed, X25519 broken',
    leftOut: ['preKeySignatures'],
    knows: [...INSIDER, 'brokenDh'],
    speaksOf: 'role == initiator',
    checks: [attack('secrecyOfFirst')],
  },
  {
    name: 'no psk, outsider, all else broken',
    leftOut: ['pskInKdf'],
    knows: [...OUTSIDER, ...ALL_BROKEN],
    checks: [attack('secrecyOfFirst')],
  },
  {
    name: 'one-time key used twice',
    leftOut: ['oneTimeOnce'],
    sessions: TWICE,
    speaksOf: 'id =/= 0',
    checks: [attack('acceptedOnce'), holds('confirmedOnce')],
  },
  {
    name: 'no memory of first messages to the last-resort key',
    leftOut: ['lastResortOnce'],
    sessions: TWICE,
    speaksOf: 'id == 0',
    checks: [attack('acceptedOnce'), holds('confirmedOnce')],
  },
  {
    name: 'answer without confirmation',
    leftOut: ['answerUnderSessionKey'],
    checks: [attack('initiatorAuthenticates')],
  },
];

/** Left out alone, these are made up for by others: with the same attacker, only leaving out the others too is fatal. */
const SPARE = [
  { name: 'mode unchecked', ...TWO_MODES, leftOut: ['modeCheck'] },
  { name: 'transcript without mode', ...TWO_MODES, leftOut: ['modeInTranscript'] },
  { name: 'room in no signature', ...TWO_ROOMS, leftOut: ['roomInSignatures'] },
  { name: 'room in no signature and transcript', ...TWO_ROOMS, leftOut: ['roomInSignatures', 'roomInTranscript'] },
  {
    name: 'transcript without pre-keys, one-time ML-KEM key stolen',
    leftOut: ['preKeysInTranscript'],
    knows: [...INSIDER, 'oneKem(bob1, 1)'],
  },
  { name: 'no DH4, one-time ML-KEM key stolen', leftOut: ['oneTimeDh'], knows: [...INSIDER, 'oneKem(bob1, 1)'] },
  { name: 'pre-keys not signed', leftOut: ['preKeySignatures'] },
  { name: 'no identity DH of the responder (DH2)', leftOut: ['identityDhOfResponder'] },
];

const inGroup = (group, runs) => runs.map((run) => ({ ...NORMAL, ...run, group }));
export const RUNS = [
  ...inGroup('protocol', PROTOCOL),
  ...inGroup('limit', LIMITS),
  ...inGroup('mutant', MUTANTS),
  ...inGroup('spare', SPARE),
];
