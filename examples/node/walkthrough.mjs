// Create, find, change, consent, audit, forget: DATABUNKER_URL and DATABUNKER_TOKEN say where and as whom.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Vault } from './vault.mjs';

const { DATABUNKER_URL, DATABUNKER_TOKEN } = process.env;
const vault = new Vault(DATABUNKER_URL, DATABUNKER_TOKEN, { purpose: 'walkthrough' });
const email = `nora-${randomUUID().slice(0, 8)}@example.com`;

const token = await vault.create({ email, name: 'Nora', city: 'Oslo' });
console.log('created   ', token);

await assert.rejects(vault.create({ email: email.toUpperCase() }), { status: 409 });

const found = await vault.find('email', email);
assert.equal(found.token, token);
console.log('found     ', found.data.name, 'in', found.data.city);

await vault.change(token, { city: 'Bergen', shoe_size: 39 });
await vault.change(token, { shoe_size: null });
assert.deepEqual(await vault.get(token), { email, name: 'Nora', city: 'Bergen' });
console.log('changed   ', 'now in Bergen');

// What people may be asked to agree to; made once, by whoever answers for it.
await vault.call('POST', '/v1/lbasis/newsletter', { shortdesc: 'News by mail', basistype: 'consent', usercontrol: true });
await vault.agree('newsletter', token, 'signup-form');
assert.ok(await vault.agrees('newsletter', token));
await vault.withdraw('newsletter', token);
assert.ok(!(await vault.agrees('newsletter', token)));
console.log('consented ', 'and withdrew');

for (const event of await vault.events(token, 3)) console.log('event     ', event.who, event.title, event.status);

console.log('forgotten ', 'receipt', await vault.forget(token));
await assert.rejects(vault.find('email', email), { status: 404 });
console.log('gone      ', 'nobody has that address');
