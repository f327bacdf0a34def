// Keeps a page up to date. Without this script the page is whole, and stands still.
(() => {
  "use strict";

  // What is asked twice before it is done.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sure]");
    if (button && !window.confirm(button.dataset.sure)) event.preventDefault();
  });

  const source = document.body.dataset.live;
  if (!source || !window.EventSource) return;

  let isBusy = false;
  let isWanted = false;

  // Takes over the parts of the page as it is now; those in which somebody is at work stay.
  const renew = async () => {
    if (isBusy) {
      isWanted = true;
      return;
    }
    isBusy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.redirected || !answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const other = fresh.getElementById(part.id);
        const isInUse = part.contains(document.activeElement) || part.querySelector("details[open]");
        if (other && !isInUse && other.innerHTML !== part.innerHTML) {
          part.replaceChildren(...other.childNodes);
        }
      }
      document.title = fresh.title;
    } catch {
      // The next event tries again.
    } finally {
      setTimeout(() => {
        isBusy = false;
        if (isWanted) {
          isWanted = false;
          renew();
        }
      }, 1000);
    }
  };

  const events = new EventSource(source);
  for (const name of ["happened", "progress", "changed"]) events.addEventListener(name, renew);
  events.addEventListener("end", () => {
    events.close();
    renew();
  });
})();
