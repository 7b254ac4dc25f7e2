/* Colours: taken live from the Airflow page around us, so that light, dark and a deployment's own theme are followed. */
(() => {
  "use strict";
  const COLOURS = [
    "bg", "bg-subtle", "bg-muted", "bg-panel", "fg", "fg-muted", "fg-subtle", "border", "border-muted",
    "border-emphasized", "brand-solid", "brand-fg", "brand-muted", "brand-subtle", "brand-contrast", "success-solid",
    "failed-solid", "running-solid", "queued-solid", "deferred-solid", "skipped-solid", "blue-solid", "orange-solid",
    "gray-solid",
  ];
  const own = document.documentElement;

  function airflowRoot() {
    try {
      return window.parent !== window ? window.parent.document.documentElement : null;
    } catch {
      return null; // framed by another origin, or sandboxed: keep our own colours
    }
  }

  function follow(root) {
    const style = window.parent.getComputedStyle(root);
    for (const name of COLOURS) {
      const value = style.getPropertyValue(`--chakra-colors-${name}`).trim();
      if (value) own.style.setProperty(`--${name}`, value);
      else own.style.removeProperty(`--${name}`);
    }
    const scheme = ["dark", "light"].find((word) => root.classList.contains(word)) || style.colorScheme;
    own.style.colorScheme = scheme === "dark" || scheme === "light" ? scheme : "";
  }

  const root = airflowRoot();
  if (!root) return;
  own.classList.add("framed");
  follow(root);
  new MutationObserver(() => follow(root)).observe(root, { attributes: true, attributeFilter: ["class", "style", "data-theme"] });
})();
