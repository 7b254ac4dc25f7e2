/* A sign beside the line under the pointer leads to the form for a comment on it; the form of each file does so without a script. */
(() => {
  "use strict";
  const sign = document.createElement("a");
  sign.className = "say";
  sign.textContent = "+";
  sign.tabIndex = -1;
  sign.setAttribute("aria-hidden", "true");

  function address(form, side, line) {
    const url = new URL(form.action);
    for (const [name, value] of new FormData(form)) url.searchParams.set(name, value);
    url.searchParams.set("side", side);
    url.searchParams.set("line", line);
    url.hash = "new-thread";
    return url.href;
  }

  document.addEventListener("pointerover", (event) => {
    const line = event.target.closest?.(".diff-line");
    const form = line?.closest(".review-file")?.querySelector("[data-comment-on]");
    if (!form || event.pointerType === "touch" || line.contains(sign)) return;
    const isOld = line.classList.contains("line-del");
    const number = line.querySelectorAll(".no")[isOld ? 0 : 1]?.dataset.no;
    if (!number) return;
    sign.href = address(form, isOld ? "old" : "new", number);
    line.append(sign);
  });
  /* What the address names, in a file that starts folded on a phone. */
  const named = document.getElementById(window.location.hash.slice(1)) ?? document.getElementById("new-thread");
  const file = named?.closest(".diff-file");
  if (file && named !== file) {
    file.open = true;
    named.scrollIntoView();
  }
  document.querySelector("#new-thread textarea")?.focus();
})();
