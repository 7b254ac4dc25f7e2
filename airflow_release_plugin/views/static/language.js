/* The language: what Airflow's own switch says, which lives in the browser. The server reads it from a cookie. */
(() => {
  "use strict";
  const COOKIE = "airflow_release_language";
  const TRIED = "airflow_release_language_tried";
  const MOST_TRIES = 3;
  const path = location.pathname.replace(/\/ui(\/.*)?$/, "");

  function noted() {
    const found = document.cookie.split("; ").find((part) => part.startsWith(`${COOKIE}=`));
    return found ? found.slice(COOKIE.length + 1) : "";
  }

  /* A cookie may come too late for the request that is to bring it: then once more, but not for ever. */
  function loadAgain(wanted) {
    const [tried, times] = (sessionStorage.getItem(TRIED) || "").split(" ");
    const count = tried === wanted ? Number(times) : 0;
    if (count >= MOST_TRIES) return;
    sessionStorage.setItem(TRIED, `${wanted} ${count + 1}`);
    location.reload();
  }

  function follow() {
    try {
      const wanted = localStorage.getItem("i18nextLng") || "";
      if (!/^[\w-]{1,20}$/.test(wanted)) return;
      if (wanted !== noted()) {
        document.cookie = `${COOKIE}=${wanted}; path=${path}; max-age=31536000; SameSite=Lax`;
      }
      // What counts is what the server went by for this page: another tab may have written the cookie since.
      if (wanted === document.documentElement.dataset.switch) sessionStorage.removeItem(TRIED);
      else if (noted() === wanted) loadAgain(wanted); // else the browser refuses cookies
    } catch {
      // The browser keeps nothing for this site: its own languages count.
    }
  }

  follow();
  addEventListener("storage", (event) => {
    if (event.key === "i18nextLng") follow();
  });
})();
