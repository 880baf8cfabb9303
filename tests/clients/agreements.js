'use strict';

const assert = require('node:assert/strict');
const DatabunkerStore = require('@databunker/store');

const { DATABUNKER_URL: url, DATABUNKER_TOKEN: token } = process.env;

async function main() {
  const databunker = new DatabunkerStore({ url, token });

  // What there is to agree to.
  const { rows } = await databunker.agreements.rawlist();
  const signup = rows.filter((basis) => basis.module === 'signup-page' && basis.basistype === 'consent');
  assert.deepEqual(signup.map((basis) => basis.brief), ['newsletter']);

  // Agree, by any identity, and withdraw.
  assert.equal((await databunker.agreements.accept('email', 'nora@example.com', 'newsletter', {})).status, 'ok');
  assert.equal((await databunker.agreements.withdraw('email', 'nora@example.com', 'newsletter')).status, 'ok');
}

main();
