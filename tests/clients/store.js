'use strict';

const assert = require('node:assert/strict');
const DatabunkerStore = require('@databunker/store');

const { DATABUNKER_URL: url, DATABUNKER_TOKEN: token } = process.env;

async function main() {
  const databunker = new DatabunkerStore({ url, token });

  // A whole record goes in, a token comes out.
  const created = await databunker.users.create({ email: 'nora@example.com', phone: '+47 22 00 00 01', city: 'Oslo' });
  assert.equal(created.status, 'ok');

  // Find the person by token, e-mail or phone.
  for (const [mode, identity] of [['token', created.token], ['email', 'Nora@Example.com'], ['phone', '+4722000001']]) {
    const found = await databunker.users.get(mode, identity);
    assert.equal(found.token, created.token);
    assert.equal(found.data.city, 'Oslo');
  }

  // Change a field; null deletes one.
  assert.equal((await databunker.users.set('token', created.token, { city: 'Bergen', phone: null })).status, 'ok');
  const changed = await databunker.users.get('token', created.token);
  assert.deepEqual(changed.data, { email: 'nora@example.com', city: 'Bergen' });

  // What an application keeps about the person.
  const shop = databunker.collection('shop');
  assert.equal((await shop.set('email', 'nora@example.com', { basket: [1, 2] })).status, 'ok');
  assert.deepEqual((await shop.get('token', created.token)).data, { basket: [1, 2] });

  // Refusals come back as values; nothing is thrown.
  const taken = await databunker.users.create({ email: 'nora@example.com' });
  assert.deepEqual(taken, { status: 'error', message: 'duplicate index: email' });
  const absent = await databunker.users.get('email', 'nobody@example.com');
  assert.deepEqual(absent, { status: 'error', message: 'record not found' });
  const stranger = new DatabunkerStore({ url, token: 'wrong' });
  assert.deepEqual(await stranger.users.get('token', created.token), { status: 'error', message: 'Access denied' });
}

main();
