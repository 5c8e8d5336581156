// Keys for those who want them: every one presses a link or a button that is on the page, so nothing needs a script.
"use strict";
(() => {
  const typing = (at) => at.closest("input, select, textarea, [contenteditable]") !== null;
  const links = () => [...document.querySelectorAll("[data-row]")].filter((at) => at.offsetParent !== null);

  // To the row after (or before) the one in focus, and into view with the bars out of its way.
  const move = (step) => {
    const all = links();
    if (!all.length) return;
    const now = all.findIndex((at) => at === document.activeElement || at.closest("[data-line]")?.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step))];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  };

  const help = () => {
    const dialog = document.getElementById("keys");
    if (!dialog) return;
    if (dialog.open) dialog.close();
    else dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else {
      const named = [...document.querySelectorAll("[data-key]")].find((at) => at.dataset.key === event.key);
      if (!named) return;
      if (named.matches("input, select, textarea")) named.focus();
      else named.click();
    }
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) document.getElementById("keys")?.close();
    if (event.target.closest("[data-help]")) help();
  });

  // Where the server says that the eye should go on after a form, the focus goes too.
  document.querySelector("[data-focus]")?.focus();
})();
