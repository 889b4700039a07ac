// What scripts add to pages that work without them: times that stay right, progress, and a guard for what was typed.
"use strict";

(() => {
  const root = document.documentElement;
  const YEAR = 365 * 86400;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const locale = root.dataset.locale;

  // The server writes times in the zone that this cookie names, from the next page on.
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `fabroute_zone=${zone}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;

  // As the server writes them: names of months in English alone, else figures.
  const named = { day: { dateStyle: "medium" }, time: { timeStyle: "short" } };
  const figures = { day: { day: "2-digit", month: "2-digit", year: "numeric" }, time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } };
  const { day, time } = locale.startsWith("en") ? named : figures;
  const styles = { instant: { ...day, ...time, timeZone: zone }, day: { ...day, timeZone: zone }, time: { ...time, timeZone: zone } };

  function duration(minutes) {
    const hours = Math.floor(minutes / 60);
    if (hours === 0) return `${minutes}\u00a0min`;
    if (hours >= 96) return `${Math.round(minutes / 1440)}\u00a0d`;
    return `${hours}\u00a0h` + (minutes % 60 ? ` ${minutes % 60}\u00a0min` : "");
  }

  function relative(instant) {
    const minutes = Math.round((instant - Date.now()) / 60000);
    if (minutes === 0) return "now";
    return minutes > 0 ? `in ${duration(minutes)}` : `${duration(-minutes)} ago`;
  }

  function upgradeTimes(within) {
    for (const time of within.querySelectorAll("time[datetime][data-style]")) {
      const instant = new Date(time.dateTime);
      const style = time.dataset.style;
      if (style === "until") time.textContent = relative(instant);
      else if (root.dataset.zone !== zone) time.textContent = new Intl.DateTimeFormat(locale, styles[style]).format(instant);
    }
  }

  // A bar for what takes longer than a second, whether a part or a whole page is awaited.
  const progress = document.getElementById("progress");
  let awaited = 0;
  let timer = 0;
  function begin() {
    awaited += 1;
    if (awaited === 1) timer = setTimeout(() => { progress.hidden = false; }, 1000);
  }
  function end() {
    awaited = Math.max(0, awaited - 1);
    if (awaited === 0) { clearTimeout(timer); progress.hidden = true; }
  }

  // What was typed is not lost by a click elsewhere.
  let isDirty = false;
  document.addEventListener("input", (event) => {
    if (event.target.closest("form[data-guard]")) isDirty = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (isDirty) event.preventDefault();
  });

  // A form is sent once: its buttons rest until the answer is there. The server answers a second one like the first.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    isDirty = false;
    const form = event.target;
    if (form.method !== "post") { begin(); return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
    begin();
  });
  window.addEventListener("pageshow", () => {
    awaited = 0;
    end();
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    }
  });

  // Menus close on Escape and on a click elsewhere.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.querySelector("input[name=csrf_token]");
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRF-Token"] = token.value;
  });
  document.addEventListener("htmx:beforeRequest", begin);
  document.addEventListener("htmx:afterRequest", end);
  document.addEventListener("htmx:afterSwap", (event) => upgradeTimes(event.detail.target));
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) document.getElementById("signed-out").hidden = false;
    if (event.detail.xhr.status >= 500) document.getElementById("offline").hidden = false;
  });
  document.addEventListener("htmx:sendError", () => { document.getElementById("offline").hidden = false; });
  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 500) document.getElementById("offline").hidden = true;
  });

  // The token of an invitation stands behind the # of the link, where no server sees it.
  const joining = document.querySelector("form[data-join]");
  if (joining && location.hash.length > 1) {
    const field = joining.elements.token;
    field.value = location.hash.slice(1);
    field.closest(".field").hidden = true;
    history.replaceState(null, "", location.pathname);
  }

  upgradeTimes(document);
  setInterval(() => upgradeTimes(document), 30000);
  document.querySelector("[data-focus]")?.focus();
})();
