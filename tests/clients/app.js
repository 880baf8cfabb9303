'use strict';

const { randomUUID } = require('node:crypto');
const express = require('express');
const session = require('express-session');
const DatabunkerStore = require('@databunker/store');
const DatabunkerSessionStore = require('@databunker/session-store')(session);

const { DATABUNKER_URL: url, DATABUNKER_TOKEN: token, COOKIE_SECRET: secret, PORT: port = 3200 } = process.env;
const databunker = new DatabunkerStore({ url, token });
const app = express();

app.use(session({
  store: new DatabunkerSessionStore({ url, token }),
  genid: () => randomUUID(), // the vault's session ids are UUIDs
  secret,
  resave: false,
  saveUninitialized: false,
}));

app.post('/login', express.json(), async (request, response, next) => {
  const person = await databunker.users.get('email', request.body.email); // and check a password here
  if (person.status !== 'ok') return response.sendStatus(403);
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.token = person.token; // ties the session to the person: forgotten together
    response.sendStatus(204);
  });
});

app.get('/', async (request, response) => {
  if (!request.session.token) return response.sendStatus(401);
  request.session.visits = (request.session.visits ?? 0) + 1;
  const person = await databunker.users.get('token', request.session.token);
  response.json({ name: person.data.name, visits: request.session.visits });
});

app.post('/logout', (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.sendStatus(204)));
});

// The session store hands on as an error that a session has expired: the visitor is nobody again.
app.use((error, request, response, next) => {
  if (error !== 'session expired') return next(error);
  response.clearCookie('connect.sid').sendStatus(401);
});

const server = app.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
