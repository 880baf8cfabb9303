'use strict';

// Lists that are filtered and paged in place (docs/pages.md): htmx fetches the next page and puts its list where the
// old one was. Without scripts the same links and forms load the page.

// What has no list (the door, a refusal, a list that has closed) becomes a page of its own.
document.addEventListener('htmx:beforeSwap', (event) => {
  const { xhr } = event.detail;
  if (xhr.responseText.includes(' id="list"')) {
    event.detail.shouldSwap = true; // also one whose filter has mistakes
    event.detail.isError = false;
  } else {
    event.preventDefault();
    location.assign(xhr.responseURL);
  }
});
document.addEventListener('htmx:sendError', (event) => location.assign(event.detail.pathInfo.finalRequestPath));

// Who has followed a link that is gone goes on at the list; who doesn't see the list hears how much it has.
document.addEventListener('htmx:afterSettle', (event) => {
  const list = event.target;
  if (list.id !== 'list') return;
  if (document.activeElement === document.body) list.focus();
  const wrong = list.querySelector('[role="alert"]'); // is heard by itself
  const told = wrong ? null : list.querySelector('.empty p') ?? list.querySelector('[data-told]');
  document.getElementById('told').textContent = told ? told.textContent.trim() : '';
});
