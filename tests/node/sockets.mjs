// The reference client of graphql-transport-ws against a hooke with the collection NAME, whose root field is `notes`: node sockets.mjs URL NAME
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, name] = process.argv.slice(2);
const told = (...words) => console.log(words.join(' '));

async function write(operation) {
  const response = await fetch(`${url}/v1/collections/${name}/bulk?refresh=NOW`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${JSON.stringify(operation)}\n`,
  });
  const { errors } = JSON.parse(await response.text());
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
}

const closed = Promise.withResolvers?.() ?? {};
closed.promise ??= new Promise((resolve) => (closed.resolve = resolve));
const client = createClient({
  url: `${url.replace('http:', 'ws:')}/graphql`,
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  keepAlive: 300,
  lazyCloseTimeout: 60_000,
  on: { closed: (event) => closed.resolve(event.code), pong: () => (client.pongs = (client.pongs ?? 0) + 1) },
});

for await (const result of client.iterate({ query: '{ notes { total { value } } }' })) told('query', JSON.stringify(result));

const live = client.iterate({ query: 'subscription Live($most: Long) { notes(filter: { rank: { lt: $most } }) { nodes { _id rank } } }', variables: { most: 10 } });
const next = async () => JSON.stringify((await live.next()).value);
told('first', await next());
await write({ upsert: { id: 'a', input: { rank: 1 } } });
told('written', await next());
await write({ delete: { id: 'a' } });
told('deleted', await next());
await live.return();

try {
  for await (const result of client.iterate({ query: '{ nothing }' })) told('unexpected', JSON.stringify(result));
} catch (errors) {
  told('refused', errors[0].extensions.code);
}
told('pongs', client.pongs > 0);
await client.dispose();
told('closed', await closed.promise);
process.exit(0);
