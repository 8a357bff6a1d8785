// The audits of GraphQL over HTTP against a hooke: node audits.mjs URL. Prints how many of them are passed, and those that are not.
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
const audits = serverAudits({ url: `${url}/graphql`, fetchFn: fetch });
let passed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') passed += 1;
  else console.error(`${audit.id} ${audit.name}: ${result.status} ${result.reason}`);
}
console.log(`${passed} of ${audits.length}`);
process.exit(0);
