// Solves the captcha's puzzle, so that nobody has to read a picture. Without this script, or where the browser has
// no cryptography (a page without HTTPS), the picture stays.
"use strict";

(() => {
  const form = document.querySelector("form[data-proof-salt]");
  if (!form || !window.crypto || !window.crypto.subtle) return;
  const salt = form.dataset.proofSalt;
  const bits = Number(form.dataset.proofBits);
  const answer = form.elements.namedItem("answer");
  const picture = form.querySelector("[data-captcha]");
  const button = form.querySelector("button");
  const encoder = new TextEncoder();

  picture.hidden = true;
  let sending = false;

  async function solve() {
    for (let n = 0; ; n++) {
      const hash = new DataView(await crypto.subtle.digest("SHA-256", encoder.encode(salt + n)));
      if (hash.getUint32(0) >>> (32 - bits) === 0) return String(n);
    }
  }

  const solved = solve().then((number) => {
    answer.value = number;
    if (sending) form.submit();
  }, () => {
    picture.hidden = false;
    button.disabled = false;
  });

  form.addEventListener("submit", (event) => {
    if (answer.value) return;
    event.preventDefault();
    sending = true;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    return solved;
  });
})();
