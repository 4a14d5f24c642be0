// OpenID provider of the tests of sign-in: node server.mjs '{"userinfo": "ES256", …}'
// Its first line on standard output is its address. Each line on standard input is a command in
// JSON, answered by a line: add_key, remove_old_keys, set_clock, set_account.
import { createServer } from 'node:http';
import { generateKeyPair, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import Provider from 'oidc-provider';

const options = {
  signature: 'RS256', userinfo: 'RS256', audience: 'aiguillage', life_s: 60, port: 0,
  ...JSON.parse(process.argv[2] ?? '{}'),
};
const realNow = Date.now;
const accounts = new Map();
const generate = promisify(generateKeyPair);
const clientClaims = { scope: 'openid email profile siret' };
// Those that ProConnect takes; it refuses a request with any other.
const KNOWN = new Set([
  'client_id', 'redirect_uri', 'response_type', 'scope', 'state', 'nonce', 'acr_values', 'claims',
  'prompt', 'login_hint', 'code_challenge', 'code_challenge_method',
]);

class Storage {
  static rows = new Map();

  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload) { Storage.rows.set(this.key(id), { ...payload }); }

  async find(id) { return Storage.rows.get(this.key(id)); }

  async findByUid(uid) {
    return [...Storage.rows.entries()]
      .find(([key, row]) => key.startsWith(`${this.model}:`) && row.uid === uid)?.[1];
  }

  async findByUserCode() { return undefined; }

  async consume(id) { Storage.rows.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { Storage.rows.delete(this.key(id)); }

  async revokeByGrantId(grantId) {
    for (const [key, row] of Storage.rows) if (row.grantId === grantId) Storage.rows.delete(key);
  }
}

async function makeKeys() {
  const made = [];
  for (const [alg, type, how] of [
    ['RS256', 'rsa', { modulusLength: 2048 }], ['ES256', 'ec', { namedCurve: 'P-256' }],
  ]) {
    const { privateKey } = await generate(type, how);
    made.push({ ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() });
  }
  return made;
}

function readAccount(id) {
  return {
    sub: id, email: id, email_verified: true, given_name: 'Jeanne', usual_name: 'Martin',
    acr: 'eidas1', ...accounts.get(id),
  };
}

function build(issuer, keys) {
  const provider = new Provider(issuer, {
    adapter: Storage,
    jwks: { keys },
    cookies: { keys: ['of a test'] },
    acrValues: ['eidas1', 'eidas2'],
    claims: {
      openid: ['sub', 'acr'], email: ['email', 'email_verified'],
      profile: ['given_name', 'usual_name'], siret: ['siret'],
    },
    clients: [
      {
        client_id: options.audience, client_secret: 'secret', ...clientClaims,
        redirect_uris: ['http://127.0.0.1:9/callback'],
        grant_types: ['authorization_code'], response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
        userinfo_signed_response_alg: options.userinfo,
        id_token_signed_response_alg: options.signature,
      },
      {
        client_id: 'another', client_secret: 'secret', ...clientClaims,
        redirect_uris: ['http://127.0.0.1:9/callback'],
        grant_types: ['authorization_code'], response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
        userinfo_signed_response_alg: options.userinfo,
        id_token_signed_response_alg: options.signature,
      },
      {
        client_id: 'logiciel', client_secret: 'secret', redirect_uris: [], response_types: [],
        grant_types: ['client_credentials'], scope: 'factures_de_travaux:modification',
        token_endpoint_auth_method: 'client_secret_basic',
      },
    ],
    scopes: ['factures_de_travaux:modification'],
    pkce: { required: () => true },
    ttl: {
      AccessToken: options.life_s, AuthorizationCode: 60, IdToken: 60, Grant: 3600,
      Interaction: 600, Session: 3600, ClientCredentials: options.life_s,
    },
    features: {
      devInteractions: { enabled: false },
      jwtUserinfo: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // A resource that is not asked for: for machines always, for people where they get JWTs.
        defaultResource: (ctx, client) => (
          client.clientId === 'logiciel' || options.jwt ? 'urn:aiguillage' : undefined
        ),
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid email profile siret factures_de_travaux:modification',
          audience: options.audience, accessTokenFormat: 'jwt', accessTokenTTL: options.life_s,
          jwt: { sign: { alg: options.signature } },
        }),
      },
    },
    extraTokenClaims: (ctx, token) => {
      if (token.kind !== 'AccessToken') return {};
      const { sub, ...claims } = readAccount(token.accountId);
      return claims;
    },
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => readAccount(id) }),
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(clientClaims.scope);
      grant.addResourceScope('urn:aiguillage', clientClaims.scope);
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    const unknown = ctx.path === '/auth' && Object.keys(ctx.query).find((each) => !KNOWN.has(each));
    if (unknown) {
      ctx.status = 400;
      ctx.body = { error: 'invalid_request', error_description: `unknown parameter ${unknown}` };
      return;
    }
    const interaction = /^\/interaction\/[\w-]+$/.test(ctx.path) && ctx.method === 'POST';
    if (!interaction) { await next(); return; }
    // Whoever names an e-mail is signed in: passwords are no matter of these tests.
    const accountId = new URLSearchParams(ctx.querystring).get('email');
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId, acr: 'eidas1' } });
    ctx.respond = false;
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  return provider;
}

let keys = await makeKeys();
let handle;
const server = createServer((req, res) => handle(req, res));
await new Promise((resolve) => { server.listen(options.port, '127.0.0.1', resolve); });
const issuer = `http://127.0.0.1:${server.address().port}`;
const publish = () => { handle = build(issuer, keys).callback(); };
publish();

const commands = {
  async add_key() { keys = [...await makeKeys(), ...keys]; publish(); },
  async remove_old_keys() { keys = keys.slice(0, 2); publish(); },
  async set_clock({ offset_s }) { Date.now = () => realNow() + offset_s * 1000; },
  async set_account({ email, claims }) { accounts.set(email, claims); },
};
console.log(issuer);
createInterface({ input: process.stdin }).on('line', async (line) => {
  const command = JSON.parse(line);
  try {
    await commands[command.do](command);
    console.log(JSON.stringify({ done: command.do }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}).on('close', () => process.exit(0));
