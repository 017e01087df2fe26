/** What a room's object is told of who comes in, and what not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryRefusalOf, entryRequest, parseEntry, refusalAnswer } from '../../relay-worker/room-entry.ts';
import { JWT_SUBPROTOCOL_PREFIX } from '../../src/engine/protocol/jwt.ts';
import { formatResumeOffer } from '../../src/engine/protocol/resume.ts';
import { createHostedTestRoom, hostOfferFor } from '../helpers/hosts.ts';
import { randomPeerId } from '../helpers/tokens.ts';

const URL_OF = 'https://relay.example/relay';
const PLACE = { ep: 'ep-1', n: 7 };

describe('an entry', () => {
  it('has the token, the place and whether it is the host; no claim, JWT, address or cookie', async () => {
    const room = await createHostedTestRoom();
    const offered = [
      ...(await hostOfferFor(room, randomPeerId())),
      `${JWT_SUBPROTOCOL_PREFIX}a.b.c`,
      formatResumeOffer(PLACE),
    ];
    const headers = { 'CF-Connecting-IP': '192.0.2.1', Cookie: 'a=b', Origin: 'https://example.org' };
    const request = new Request(URL_OF, { headers: { ...headers, 'Sec-WebSocket-Protocol': offered.join(', ') } });
    const entry = entryRequest(request, true);
    assert.deepEqual([...entry.headers.keys()].toSorted(), ['sec-websocket-protocol', 'tai-host', 'upgrade']);
    const passedOn = entry.headers.get('Sec-WebSocket-Protocol')?.split(', ') ?? [];
    assert.deepEqual(passedOn, [offered[0], offered[1], 'tai.resume.7.ep-1']);
    const parsed = parseEntry(entry);
    assert.equal(parsed?.claims.roomId, room.roomId);
    assert.deepEqual(parsed.arrival, { proof: parsed.claims.nonce, isHost: true, place: PLACE });
    const guest = parseEntry(entryRequest(request, false));
    assert.equal(guest?.arrival.isHost, false);
  });

  it('does not take a client’s word for the claim, and has no place where none is shown', async () => {
    const room = await createHostedTestRoom();
    const offered = (await hostOfferFor(room, randomPeerId())).join(', ');
    const request = new Request(URL_OF, { headers: { 'Sec-WebSocket-Protocol': offered, 'Tai-Host': '1' } });
    const { arrival } = parseEntry(entryRequest(request, false)) ?? {};
    assert.deepEqual([arrival?.isHost, arrival?.place], [false, undefined]);
    assert.equal(parseEntry(new Request(URL_OF)), undefined);
  });

  it('is refused by a status that the Worker knows', () => {
    for (const refusal of ['room-full', 'rate-limited', 'room-locked', 'kicked', 'token-invalid'] as const) {
      assert.equal(entryRefusalOf(refusalAnswer(refusal).status), refusal);
    }
    assert.equal(entryRefusalOf(101), undefined);
  });
});
