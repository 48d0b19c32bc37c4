"use strict";
// What the server cannot say by itself: how long ago it was heard, that it is not heard
// any more, and the time zone.
(() => {
  const told = (state, text) => {
    const place = document.getElementById("freshness");
    if (!place) return;
    place.dataset.state = state;
    place.querySelector("[data-says]").textContent = text;
  };
  const failed = (event) => {
    const status = event.detail.xhr ? event.detail.xhr.status : 0;
    told("stale", status === 404
      ? "This visit has ended: open billing again from the product"
      : "Not reached just now: these figures may be older than they seem");
  };
  let heard = performance.now();
  document.addEventListener("htmx:afterSwap", () => { heard = performance.now(); });
  setInterval(() => {
    const place = document.querySelector("#freshness [data-age]");
    if (!place) return;
    const age = Number(place.dataset.age) + Math.floor((performance.now() - heard) / 1000);
    place.textContent = age < 5 ? "just now" : age < 60 ? `${age} s ago` : `${Math.floor(age / 60)} min ago`;
  }, 1000);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:timeout", failed);
  document.addEventListener("DOMContentLoaded", () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (!zone || document.cookie.includes("bl_zone=")) return;
    const kept = encodeURIComponent(zone);
    document.cookie = `bl_zone=${kept}; path=/billing; max-age=31536000; samesite=lax`;
    if (zone !== document.documentElement.dataset.zone && window.htmx) {
      window.htmx.trigger(document.body, "figures-changed");
    }
  });
})();
