// The cookie popup. databunker/portal/cookies.py serves it to any site with what is to be asked: it loads nothing, and
// stores the answers in a cookie of the site that it runs on. Scripts run once what they need is agreed to, never before.

const COOKIE = 'databunker_consent';
const MONTHS = 6;
const STYLE = `
:host { all: initial; color-scheme: light dark; position: fixed; inset: auto 0 0 0; z-index: 2147483000; }
:host([data-theme="light"]) { color-scheme: light; }
:host([data-theme="dark"]) { color-scheme: dark; }
:host([hidden]) { display: none; }
section { box-sizing: border-box; margin: 0.75rem; padding: 1.25rem; max-width: 34rem; max-height: calc(100vh - 1.5rem); overflow: auto;
  border: 1px solid light-dark(#d5dae2, #363d49); border-radius: 8px; background: light-dark(#ffffff, #1c2027); color: light-dark(#1b2230, #e7eaf0);
  box-shadow: 0 8px 32px rgb(0 0 0 / 25%); font: 400 15px/1.5 system-ui, sans-serif; }
h2 { margin: 0 0 0.4rem; font-size: 1.125rem; line-height: 1.25; }
h2:focus { outline: none; }
p { margin: 0 0 0.75rem; white-space: pre-line; }
a { color: var(--accent); }
ul { list-style: none; margin: 0 0 0.75rem; padding: 0; }
li { padding: 0.6rem 0; border-top: 1px solid light-dark(#d5dae2, #363d49); }
li p { margin: 0.15rem 0 0 1.85rem; color: light-dark(#525c6c, #a9b2c0); font-size: 0.875rem; }
label { display: flex; gap: 0.6rem; font-weight: 600; min-height: 1.5rem; }
input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0.1rem 0 0; accent-color: var(--fill); }
.buttons { display: flex; flex-wrap: wrap; gap: 0.6rem; }
button { flex: 1 1 9rem; min-height: 2.75rem; padding: 0.45rem 1rem; border: 1px solid transparent; border-radius: 6px; cursor: pointer;
  background: var(--fill); color: #ffffff; font: 600 15px/1.2 system-ui, sans-serif; }
button.quiet { background: transparent; color: inherit; border-color: light-dark(#7b8494, #7d8798); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
`;

// What was answered, by brief: the version of the text, and whether that was agreed to.
function readAnswers() {
  const found = document.cookie.split('; ').find((one) => one.startsWith(`${COOKIE}=`));
  try {
    const answers = JSON.parse(decodeURIComponent(found.slice(COOKIE.length + 1)));
    return answers && typeof answers === 'object' ? answers : {};
  } catch {
    return {};
  }
}

function writeAnswers(answers) {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  const seconds = MONTHS * 30 * 24 * 60 * 60;
  document.cookie = `${COOKIE}=${encodeURIComponent(JSON.stringify(answers))}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}`;
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Code, the address of a script, or script elements, as the processing activity has it. The nonce of our own element is
// theirs, too: a site with a strict policy allows them by allowing us.
function runScript(text, nonce) {
  const holder = document.createElement('template');
  if (text.startsWith('<')) holder.innerHTML = text;
  else if (/^https:\/\/\S+$/.test(text)) holder.content.append(element('script', { src: text }));
  else holder.content.append(element('script', { textContent: text }));
  for (const found of holder.content.querySelectorAll('script')) {
    const script = element('script', { textContent: found.textContent, nonce });
    for (const { name, value } of found.attributes) if (name !== 'nonce') script.setAttribute(name, value);
    document.head.append(script);
  }
}

function start(settings, self) {
  const { words } = settings;
  const done = new Set();
  const host = element('div', { id: 'databunker-cookies', hidden: true });
  const root = host.attachShadow({ mode: 'open' });
  const style = new CSSStyleSheet();
  style.replaceSync(`:host { --accent: ${settings.accent}; --fill: ${settings.fill}; }${STYLE}`);
  root.adoptedStyleSheets = [style];
  if (self && self.dataset.theme) host.dataset.theme = self.dataset.theme;
  const nonce = self ? self.nonce : '';
  const runs = !self || self.dataset.run !== 'off';

  const isCurrent = (answer, basis) => Array.isArray(answer) && answer[0] === basis.version;
  const agreed = (answers) =>
    settings.bases
      .filter((basis) => basis.required || (isCurrent(answers[basis.brief], basis) && answers[basis.brief][1] === true))
      .map((basis) => basis.brief);
  const isOpen = (answers) => settings.bases.some((basis) => !basis.required && !isCurrent(answers[basis.brief], basis));

  function apply(answers) {
    const briefs = agreed(answers);
    settings.scripts.forEach((one, number) => {
      if (!runs || done.has(number) || !one.briefs.some((brief) => briefs.includes(brief))) return;
      done.add(number);
      runScript(one.script.trim(), nonce);
    });
    document.dispatchEvent(new CustomEvent('databunker:consent', { detail: { agreed: briefs } }));
  }

  function answer(isAgreed) {
    const answers = {};
    for (const basis of settings.bases) if (!basis.required) answers[basis.brief] = [basis.version, isAgreed(basis.brief)];
    writeAnswers(answers);
    host.hidden = true;
    apply(answers);
  }

  function choice(basis, answers) {
    const box = element('input', { type: 'checkbox', name: basis.brief, disabled: basis.required });
    box.checked = basis.required || agreed(answers).includes(basis.brief);
    const told = [basis.text, basis.required ? basis.message || words.required : ''].filter(Boolean).join('\n');
    const item = element('li', {}, element('label', {}, box, basis.name));
    if (told) {
      item.append(element('p', { id: `about-${basis.brief}`, textContent: told }));
      box.setAttribute('aria-describedby', `about-${basis.brief}`);
    }
    return item;
  }

  function show({ choosing = false, focus = false } = {}) {
    const answers = readAnswers();
    const heading = element('h2', { id: 'title', tabIndex: -1, textContent: words.title });
    const text = element('p', {}, words.text);
    if (settings.privacy) text.append(' ', element('a', { href: settings.privacy, textContent: words.privacy }));
    const list = element('ul', { hidden: !choosing }, ...settings.bases.map((basis) => choice(basis, answers)));
    const button = (label, act, look = '') => element('button', { type: 'button', textContent: label, className: look, onclick: act });
    const ticked = (brief) => [...list.querySelectorAll('input')].some((box) => box.name === brief && box.checked);
    const buttons = element(
      'div',
      { className: 'buttons' },
      button(words.all, () => answer(() => true)),
      button(words.needed, () => answer(() => false)),
      choosing
        ? button(words.save, () => answer(ticked), 'quiet')
        : button(words.choose, () => show({ choosing: true, focus: true }), 'quiet'),
    );
    const section = element('section', {}, heading, text, list, buttons);
    section.setAttribute('role', 'dialog');
    section.setAttribute('aria-labelledby', 'title');
    root.replaceChildren(section);
    host.hidden = false;
    if (focus) heading.focus();
  }

  function begin() {
    document.body.append(host);
    const answers = readAnswers();
    apply(answers);
    if (isOpen(answers)) show();
    for (const opener of document.querySelectorAll('[data-cookie-settings]')) opener.hidden = false;
    document.addEventListener('click', (event) => {
      if (!(event.target instanceof Element) || !event.target.closest('[data-cookie-settings]')) return;
      event.preventDefault();
      show({ choosing: true, focus: true });
    });
  }

  if (document.body) begin();
  else document.addEventListener('DOMContentLoaded', begin);
}
