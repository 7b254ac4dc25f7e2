/* The language: what Airflow's own switch says, which lives in the browser. The server reads it from a cookie. */
(() => {
  "use strict";
  const COOKIE = "airflow_release_language";
  const path = location.pathname.replace(/\/ui(\/.*)?$/, "");

  function noted() {
    const found = document.cookie.split("; ").find((part) => part.startsWith(`${COOKIE}=`));
    return found ? found.slice(COOKIE.length + 1) : "";
  }

  function follow() {
    let wanted = "";
    try {
      wanted = localStorage.getItem("i18nextLng") || "";
    } catch {
      return; // the browser keeps nothing for this site: its own languages count
    }
    if (!/^[\w-]{1,20}$/.test(wanted) || wanted === noted()) return;
    document.cookie = `${COOKIE}=${wanted}; path=${path}; max-age=31536000; SameSite=Lax`;
    // A browser that refuses cookies must not load the page for ever.
    if (noted() === wanted) location.reload();
  }

  follow();
  addEventListener("storage", (event) => {
    if (event.key === "i18nextLng") follow();
  });
})();
