/** A customer's own site: pages on another origin than the relay's, with headers as strict as they like. */
import { createServer } from 'node:http';

export type HostPage = { readonly html: string; readonly headers?: Readonly<Record<string, string>> };
export type HostSite = { readonly url: string; close(): Promise<void> };

/** Serves the pages by path; anything else is 404. */
export async function serveHostSite(pages: Readonly<Record<string, HostPage>>): Promise<HostSite> {
  const server = createServer((request, response) => {
    const page = pages[request.url ?? '/'];
    // Browsers ask for an icon by themselves; that there is none is no error of the page.
    const status = page ? 200 : request.url === '/favicon.ico' ? 204 : 404;
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...page?.headers });
    response.end(page?.html ?? '');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
