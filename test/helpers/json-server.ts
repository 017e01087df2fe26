/** A host on the loopback that answers POSTs as a test says: another's API, with everything that can be wrong with one. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';

export type Asked = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };

export type JsonServer = {
  readonly url: string;
  readonly asked: Asked[];
  /** What the next requests are answered with: a value as JSON, or whatever is done with the response. */
  answer: unknown;
  close(): Promise<void>;
};

export type Answering = (response: ServerResponse) => void;

export async function startJsonServer(): Promise<JsonServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      asked.push({ path: request.url ?? '', headers: request.headers, body });
      const { answer } = host;
      if (typeof answer === 'function') return (answer as Answering)(response);
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const host: JsonServer = {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    answer: {},
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return host;
}
