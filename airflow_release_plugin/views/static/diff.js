/* Diffs: side by side or unified, as the reader chose last; many files start as their names on a phone; folded lines are fetched on demand. */
(() => {
  "use strict";
  const KEY = "release-diff-view";
  const root = document.documentElement;

  /* Unchanged lines stand on both sides; the second one exists only where it is seen. */
  function addTwins(scope) {
    for (const line of scope.querySelectorAll(".line-context:not(:has(.twin))")) {
      const twin = line.querySelector(".text").cloneNode(true);
      twin.classList.add("twin");
      twin.setAttribute("aria-hidden", "true");
      line.append(twin);
    }
  }

  function show(view) {
    if (view === "split") addTwins(document);
    root.dataset.diffView = view;
    for (const button of document.querySelectorAll("[data-diff-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.diffChoice === view));
    }
  }

  function openFiles(open) {
    for (const file of document.querySelectorAll(".diff-file")) file.open = open;
  }

  /* The file that a link in the list names. */
  function openNamed() {
    const file = document.getElementById(window.location.hash.slice(1));
    if (file?.matches(".diff-file")) file.open = true;
  }

  async function unfold(gap) {
    gap.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(gap.href);
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const lines = page.querySelector("[data-diff]");
      if (!lines) throw new Error("The answer lacks the lines");
      const fresh = [...lines.children].map((child) => document.adoptNode(child));
      const hadFocus = document.activeElement === gap;
      const scope = gap.parentElement;
      gap.replaceWith(...fresh);
      if (root.dataset.diffView === "split") addTwins(scope);
      if (hadFocus && fresh[0]) {
        fresh[0].tabIndex = -1;
        fresh[0].focus({ preventScroll: true });
      }
    } catch {
      window.location.assign(gap.href);
    }
  }

  document.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-diff-choice]");
    if (choice) {
      localStorage.setItem(KEY, choice.dataset.diffChoice);
      show(choice.dataset.diffChoice);
    }
    const files = event.target.closest("[data-diff-files]");
    if (files) openFiles(Boolean(files.dataset.diffFiles));
    const gap = event.target.closest("a[data-diff-lines]");
    if (!gap || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!gap.hasAttribute("aria-busy")) unfold(gap);
  });
  window.addEventListener("hashchange", openNamed);
  if (document.querySelector("[data-diff-files]") && window.matchMedia("(max-width: 640px)").matches) openFiles(false);
  openNamed();
  show(localStorage.getItem(KEY) === "split" ? "split" : "unified");
})();
