// A client of the vault in one file, with nothing but Node 18: copy it into your application.

export class VaultError extends Error {
  /** The vault refused: `status` is that of HTTP; the text names fields and rules, never a value. */
  constructor(status, message) {
    super(message);
    this.name = 'VaultError';
    this.status = status;
  }
}

export class Vault {
  #base;
  #headers;
  #timeout;

  constructor(url, token, { purpose, timeout = 10_000 } = {}) {
    this.#base = url.replace(/\/+$/, '');
    this.#headers = { 'X-Bunker-Token': token, 'Content-Type': 'application/json' };
    if (purpose) this.#headers['X-Bunker-Purpose'] = purpose;
    this.#timeout = timeout;
  }

  /** Store a person; the token to keep in the place of the record. Status 409: an identity is taken. */
  async create(profile) {
    return (await this.call('POST', '/v1/user', profile)).token;
  }

  async get(token) {
    return (await this.call('GET', path`/v1/user/token/${token}`)).data;
  }

  /** `{token, data}` of whoever has this `email`, `phone`, `login` or `custom`. Status 404: nobody. */
  async find(mode, identity) {
    const { token, data } = await this.call('GET', path`/v1/user/${mode}/${identity}`);
    return { token, data };
  }

  /** A merge patch (RFC 7396): what is named is set, null deletes, everything else stays. */
  async change(token, changes) {
    await this.call('PUT', path`/v1/user/token/${token}`, changes);
  }

  /** Destroy the person's key; the id of the receipt, or undefined where that had been done before. */
  async forget(token) {
    return (await this.call('DELETE', path`/v1/user/token/${token}`)).receipt;
  }

  /** The person accepts a legal basis; `how` says by what ("signup-form", for instance). */
  async agree(brief, token, how) {
    await this.call('POST', path`/v1/agreement/${brief}/token/${token}`, { agreementmethod: how });
  }

  async withdraw(brief, token) {
    await this.call('DELETE', path`/v1/agreement/${brief}/token/${token}`);
  }

  /** Whether the person's agreement to a legal basis is in force. */
  async agrees(brief, token) {
    try {
      return (await this.call('GET', path`/v1/agreement/${brief}/token/${token}`)).data.status === 'yes';
    } catch (error) {
      if (error.status === 404) return false;
      throw error;
    }
  }

  /** Who did what with the person's data, newest first. */
  async events(token, limit = 10) {
    return (await this.call('GET', path`/v1/audit/list/${token}?limit=${limit}`)).rows;
  }

  /** Any route of the API. A redirect is an error, so that the access token goes to the vault alone. */
  async call(method, route, body) {
    const response = await fetch(this.#base + route, {
      method,
      headers: this.#headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(this.#timeout),
    });
    const answer = await response.json();
    if (!response.ok || answer.status !== 'ok') throw new VaultError(response.status, answer.message ?? 'refused');
    return answer;
  }
}

/** Each value percent-encoded, so that no identity can leave its place in the path. */
function path(parts, ...values) {
  return parts.reduce((before, part, n) => before + encodeURIComponent(values[n - 1]) + part);
}
