/** TU1, TU10 in real browsers: credentials that the relay issues are asked for, used at the real coturn, and renewed in links that stand. */
import { strict as assert } from 'node:assert';
import { after, afterEach, before, describe, it } from 'node:test';
import { parseIssuedServers, formatTurnRequest } from '../../src/engine/protocol/turn.ts';
import type { IssuedServers } from '../../src/engine/protocol/turn.ts';
import { BROWSER_NAMES } from '../helpers/browsers.ts';
import { inviteOf, joinByClick, roomPage, seesVideo } from '../helpers/call.ts';
import { startCoturn } from '../helpers/coturn.ts';
import type { Coturn } from '../helpers/coturn.ts';
import { eventually } from '../helpers/eventually.ts';
import { bearer, postCall } from '../helpers/relay-calls.ts';
import { SMALL_PICTURES, setStage } from '../helpers/stage.ts';
import type { Stage } from '../helpers/stage.ts';
import { createTestRoom } from '../helpers/tokens.ts';

let stage: Stage;
let coturn: Coturn;

async function issue(): Promise<IssuedServers> {
  const ask = formatTurnRequest({ method: 'turn_credentials', params: {} }, 1);
  const { message } = await postCall(stage.relay.url, ask, await bearer(await createTestRoom()));
  const issued = message?.type === 'result' ? parseIssuedServers(message.result) : undefined;
  return issued ?? assert.fail(JSON.stringify(message));
}

describe('TURN credentials', () => {
  before(async () => {
    coturn = await startCoturn();
    const vars = { TURN_URLS: JSON.stringify(coturn.urls), TURN_SECRET: coturn.secret };
    stage = await setStage((relayUrl) => ({ '/': { html: roomPage(relayUrl) } }), BROWSER_NAMES, vars, SMALL_PICTURES);
  });
  afterEach(() => stage.clear());
  after(async () => {
    await stage?.close();
    await coturn?.stop();
  });

  for (const name of BROWSER_NAMES) {
    describe(`in ${name}`, () => {
      it('TU1: a call has them from the relay, uses them at coturn, and the room names the host', async () => {
        const first = await stage.open(name, `${stage.site.url}/`);
        await joinByClick(first);
        const second = await stage.open(name, await inviteOf(first));
        const allocations = (): number => coturn.output().split('ALLOCATE processed, success').length;
        const before = allocations();
        await joinByClick(second);
        await Promise.all([seesVideo(first, 1), seesVideo(second, 1)]);
        await eventually('a new allocation at coturn', () => allocations() > before);
        const named = await first.evaluate(() => document.querySelector('tai-room')?.encryption.iceHostNames);
        assert.deepEqual(named, ['127.0.0.1']);
      });

      it('they are enough: two connections that may use nothing else are joined by coturn', async () => {
        const page = await stage.open(name, `${stage.site.url}/`);
        const { ice_servers } = await issue();
        const kinds = await page.evaluate(async (servers) => {
          const iceServers = servers as unknown as RTCIceServer[];
          const make = (): RTCPeerConnection => new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' });
          const [a, b] = [make(), make()];
          a.addEventListener('icecandidate', ({ candidate }) => void (candidate && b.addIceCandidate(candidate)));
          b.addEventListener('icecandidate', ({ candidate }) => void (candidate && a.addIceCandidate(candidate)));
          const channel = a.createDataChannel('x');
          const heard = new Promise<string>((resolve, reject) => {
            b.addEventListener('datachannel', (event) => {
              event.channel.addEventListener('message', (message) => resolve(String(message.data)));
            });
            a.addEventListener('connectionstatechange', () => {
              if (a.connectionState === 'failed') reject(new Error('not connected'));
            });
          });
          channel.addEventListener('open', () => channel.send('through coturn'));
          await a.setLocalDescription();
          await b.setRemoteDescription(a.localDescription as RTCSessionDescription);
          await b.setLocalDescription();
          await a.setRemoteDescription(b.localDescription as RTCSessionDescription);
          const text = await heard;
          const found: string[] = [text];
          for (const report of (await a.getStats()).values() as Iterable<{ type: string; candidateType?: string }>) {
            if (report.type === 'local-candidate' && report.candidateType) found.push(report.candidateType);
          }
          a.close();
          b.close();
          return [...new Set(found)];
        }, ice_servers);
        assert.deepEqual(kinds, ['through coturn', 'relay']);
      });

      it('TU10: a connection of our kind takes new ones while it stands, and gathers with them at its restart', async () => {
        const page = await stage.open(name, `${stage.site.url}/`);
        const [old, fresh] = [await issue(), await issue()];
        const gathered = await page.evaluate(
          async ([before, after]) => {
            type Sealed = RTCConfiguration & { readonly encodedInsertableStreams: true };
            const certificate = await RTCPeerConnection.generateCertificate({
              name: 'ECDSA',
              namedCurve: 'P-256',
            } as EcKeyGenParams);
            const configuration: Sealed = {
              iceServers: before as unknown as RTCIceServer[],
              bundlePolicy: 'max-bundle',
              certificates: [certificate],
              encodedInsertableStreams: true,
            };
            const connection = new RTCPeerConnection(configuration);
            connection.createDataChannel('x');
            await connection.setLocalDescription();
            // as PeerLink does it
            connection.setConfiguration({
              ...connection.getConfiguration(),
              iceServers: after as unknown as RTCIceServer[],
            });
            connection.restartIce();
            const relayed = new Promise<string>((resolve) => {
              connection.addEventListener('icecandidate', ({ candidate }) => {
                if (candidate?.type === 'relay') resolve(candidate.type);
              });
            });
            await connection.setLocalDescription();
            const servers = connection.getConfiguration().iceServers ?? [];
            const kind = await relayed;
            connection.close();
            return [kind, servers[0]?.username ?? ''];
          },
          [old.ice_servers, fresh.ice_servers] as const,
        );
        assert.deepEqual(gathered, ['relay', fresh.ice_servers[0]?.username]);
      });
    });
  }
});
