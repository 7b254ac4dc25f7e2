/* A reviewer's ticks: sent without leaving the page; the file folds, and the tree and the number follow. */
(() => {
  "use strict";

  /* What is sent next is the opposite of what was sent. */
  function turn(button, isViewed) {
    const file = button.closest("[data-review-file]");
    button.name = isViewed ? "untick" : "tick";
    button.setAttribute("aria-pressed", String(isViewed));
    file.querySelector(".diff-file").open = !isViewed;
    const row = document.querySelector(`[data-tree-file="${file.dataset.reviewFile}"]`);
    row?.classList.toggle("is-viewed", isViewed);
    const number = document.querySelector("[data-viewed-number]");
    number.textContent = Number(number.textContent) + (isViewed ? 1 : -1);
  }

  async function send(form, button) {
    const body = new FormData(form, button);
    button.setAttribute("aria-busy", "true");
    try {
      // Where it leads to is the page that is open.
      const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
      if (answer.type !== "opaqueredirect") throw new Error(answer.statusText);
      turn(button, button.name === "tick");
    } catch {
      form.dataset.plain = "1";
      form.requestSubmit(button);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  document.getElementById("viewed-form")?.addEventListener("submit", (event) => {
    if (event.target.dataset.plain || !event.submitter) return;
    event.preventDefault();
    if (!event.submitter.hasAttribute("aria-busy")) send(event.target, event.submitter);
  });
  const tree = document.querySelector("[data-file-tree]");
  if (tree && window.matchMedia("(max-width: 900px)").matches) tree.open = false;
})();
