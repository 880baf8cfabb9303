'use strict';

// Checks a receipt in the browser: nothing of it, and no token, is sent anywhere. A browser that knows no Ed25519 has
// the server check it, and sends the token's hash with it, never the token. What is checked, and how the bytes are put
// together, is written down in docs/erasure.md; databunker/erasure/verifying.py does the same on the server.

const FORMAT = 'databunker-erasure-receipt/1';
const KEPT = ['nothing', 'what the law preserves'];
const FORGOTTEN = 103;
const OK = 1;
const MAX_PATH = 64;

class Refused extends Error {}

const text = new TextEncoder();

function must(holds) {
  if (!holds) throw new Refused();
}

function concat(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function fromHex(digits) {
  must(typeof digits === 'string' && /^([0-9a-f]{2})*$/.test(digits));
  return Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
}

function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function fromBase64(digits) {
  must(typeof digits === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(digits));
  return Uint8Array.from(atob(digits), (sign) => sign.charCodeAt(0));
}

function fromUuid(uuid) {
  must(typeof uuid === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid));
  return fromHex(uuid.replaceAll('-', ''));
}

function same(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', concat(parts)));
}

function pack(pieces) {
  return concat(pieces.flatMap((piece) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, piece.length);
    return [length, piece];
  }));
}

async function holds(signature, message, key) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'Ed25519' }, false, ['verify']);
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, message);
}

async function readKey(written) {
  const [name, id, encoded] = String(written).split(/\+([0-9a-f]{8})\+/);
  const material = fromBase64(encoded);
  must(material.length === 33 && material[0] === 1);
  const keyId = (await sha256(text.encode(`${name}\n`), material)).slice(0, 4);
  must(same(fromHex(id), keyId));
  return { name, id: keyId, key: material.slice(1) };
}

async function checkStatement(receipt, key) {
  const { receipt: id, log, event, at, kept, person } = receipt;
  for (const value of [id, log, event, kept, person]) must(typeof value === 'string' && !value.includes('\n'));
  must(Number.isSafeInteger(at) && KEPT.includes(kept) && log === key.name);
  const stated = `${FORMAT}\nreceipt ${id}\nlog ${log}\nevent ${event}\nat ${at}\nkept ${kept}\nperson ${person}\n`;
  must(await holds(fromHex(receipt.signature), text.encode(stated), key.key));
}

function number(value) {
  if (value === null) return Uint8Array.of(0);
  must(Number.isSafeInteger(value));
  return text.encode(`i${value}`);
}

function hashed(digits) {
  return digits === null ? Uint8Array.of(0) : concat([text.encode('h'), fromHex(digits)]);
}

function uuid(value) {
  return concat([text.encode('u'), fromUuid(value)]);
}

async function rowHash(event) {
  if (!('type' in event)) return fromHex(event.row_hash);
  return sha256(pack([
    text.encode('databunker.event.1'),
    uuid(event.id),
    ...['tenant', 'at', 'type', 'outcome', 'actor_kind', 'actor_token'].map((name) => number(event[name])),
    hashed(event.subject_sha256),
    uuid(event.request),
    hashed(event.detail_sha256),
    number(event.key_id),
    concat([text.encode('b'), fromHex(event.mac)]),
  ]));
}

async function rootOf(leaf, position, size, path) {
  must(Number.isSafeInteger(position) && Number.isSafeInteger(size) && position >= 0 && position < size);
  must(Array.isArray(path) && path.length <= MAX_PATH);
  const half = (value) => Math.floor(value / 2);
  let [place, last, found] = [position, size - 1, await sha256(Uint8Array.of(0), leaf)];
  for (const sibling of path.map(fromHex)) {
    must(last > 0 && sibling.length === 32);
    const onTheLeft = place % 2 === 1 || place === last;
    found = await (onTheLeft ? sha256(Uint8Array.of(1), sibling, found) : sha256(Uint8Array.of(1), found, sibling));
    while (onTheLeft && place && place % 2 === 0) [place, last] = [half(place), half(last)];
    [place, last] = [half(place), half(last)];
  }
  must(last === 0);
  return found;
}

async function checkTree(proof, leaf, key) {
  const [head, signatures] = String(proof.head).split('\n\n');
  const [origin, size, root] = head.split('\n');
  must(origin === key.name && /^[0-9]+$/.test(size));
  let signed = false;
  for (const line of signatures.trim().split('\n')) {
    const [, name, encoded] = line.split(' ');
    const signature = fromBase64(encoded);
    if (name === key.name && same(signature.slice(0, 4), key.id)) {
      signed ||= await holds(signature.slice(4), text.encode(`${head}\n`), key.key);
    }
  }
  must(signed);
  must(same(await rootOf(leaf, proof.position, Number(size), proof.path), fromBase64(root)));
}

function parsed(written) {
  const document_ = JSON.parse(written);
  const receipt = document_.receipt && typeof document_.receipt === 'object' ? document_.receipt : document_;
  must(receipt.format === FORMAT);
  return receipt;
}

// Resolves to the key that the receipt holds under; rejects with Refused where it doesn't hold.
async function verified(receipt) {
  const key = await readKey(receipt.key);
  await checkStatement(receipt, key);
  const { event } = receipt.proof;
  must(event.id === receipt.event);
  if ('type' in event) {
    must(event.type === FORGOTTEN && event.outcome === OK && Math.floor(event.at / 1e6) === receipt.at);
  }
  await checkTree(receipt.proof, concat([fromUuid(event.id), await rowHash(event)]), key);
  return key.key;
}

// By this the receipt names its person; from it alone nobody finds a token.
function personOf(receipt, token) {
  return sha256(text.encode(`databunker-person/1\n${receipt.receipt}\n${token.trim().toLowerCase()}\n`));
}

// --- the page ---------------------------------------------------------------------------------------------------------

const form = document.querySelector('form[data-keys]');
const field = (name) => form.elements.namedItem(name);

function show(...names) {
  for (const result of document.querySelectorAll('[data-result]')) {
    result.hidden = !names.includes(result.dataset.result);
  }
}

function tell(receipt, key, person) {
  const ours = form.dataset.keys.split(' ').some((known) => same(fromBase64(known), key));
  for (const slot of document.querySelectorAll('[data-when]')) {
    slot.textContent = new Date(receipt.at * 1000).toISOString().replace('T', ' ').replace('.000Z', ' UTC');
  }
  const kept = receipt.kept === KEPT[0] ? 'kept-nothing' : 'kept-preserved';
  const names = ours ? ['genuine', kept] : ['foreign'];
  if (person) names.push(same(person, fromHex(receipt.person)) ? 'mine' : 'not-mine');
  show(...names);
}

let latest = 0; // an answer is shown only while it is that of the last question

async function check() {
  const question = ++latest;
  show('busy');
  let person = null;
  try {
    const token = field('token').value.trim();
    const receipt = parsed(field('receipt').value);
    if (token) person = await personOf(receipt, token);
    const key = await verified(receipt);
    if (question === latest) tell(receipt, key, person);
  } catch (error) {
    if (question !== latest) return;
    if (error instanceof DOMException && error.name === 'NotSupportedError') askTheServer(person);
    else show('refused');
  }
}

// Where this browser knows no Ed25519.
function askTheServer(person) {
  field('person').value = person ? toHex(person) : '';
  field('token').value = '';
  form.submit();
}

async function fetchReceipt(id) {
  const answer = await fetch(`/v1/receipt/${encodeURIComponent(id)}`);
  if (answer.status === 200) {
    field('receipt').value = JSON.stringify((await answer.json()).receipt, null, 1);
    await check();
  } else {
    show(answer.status === 202 ? 'pending' : 'unknown');
  }
}

if (globalThis.crypto && crypto.subtle) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    check();
  });
  form.addEventListener('input', () => {
    latest += 1; // what is shown was said of another text
    show();
  });
  for (const told of document.querySelectorAll('[data-compares]')) told.hidden = told.dataset.compares !== 'browser';
  field('file').closest('.field').hidden = false;
  field('file').addEventListener('change', async () => {
    const [chosen] = field('file').files;
    if (chosen && chosen.size < 65536) field('receipt').value = await chosen.text();
  });
  const id = new URLSearchParams(location.search).get('id');
  if (id) fetchReceipt(id);
}
