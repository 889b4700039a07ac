// A print file is fetched, and its SHA-256 compared with the released one, before anything is kept.
// Without scripts, or without a secure context, the browser fetches the file itself: the page says how to check it.
"use strict";

(() => {
  const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const KEPT = "Kept. Its SHA-256 is the released one.";
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

  async function received(answer, tell) {
    const whole = Number(answer.headers.get("Content-Length")) || 0;
    const reader = answer.body.getReader();
    const pieces = [];
    let length = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      pieces.push(piece.value);
      length += piece.value.length;
      if (whole > 1e6) tell("", `${megabytes(length)} of ${megabytes(whole)} MB…`);
    }
    return new Blob(pieces, { type: "application/octet-stream" });
  }

  function keep(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  async function fetched(form, tell) {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.ok) { form.submit(); return; }
    const blob = await received(answer, tell);
    tell("", "Comparing its SHA-256…");
    const found = hex(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
    if (found !== form.dataset.fetch) {
      tell("bad", `Not kept: what arrived is another file (SHA-256 ${found}). Fetch it again; if it stays, tell the operator.`);
      return;
    }
    keep(blob, form.dataset.name);
    tell("good", KEPT);
    form.querySelector("button").className = "button button-plain";
    document.querySelector(".flash")?.remove();
    await window.htmx?.ajax("GET", form.dataset.page, { target: "#now", select: "#now", swap: "outerHTML" })?.catch(() => {});
    tell("good", KEPT);
  }

  for (const form of document.querySelectorAll("form[data-fetch]")) {
    if (!window.crypto?.subtle) continue;
    // Said beside the file, and beside what is to be done now: on a phone only one of them is seen.
    const tell = (state, text) => {
      for (const words of document.querySelectorAll("[data-fetched]")) {
        words.dataset.state = state;
        words.textContent = text;
      }
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (form.dataset.busy) return;
      form.dataset.busy = "yes";
      tell("", "Fetching…");
      fetched(form, tell)
        .catch(() => tell("bad", "The connection broke. Nothing was kept: fetch it again."))
        .finally(() => { delete form.dataset.busy; });
    });
  }
})();
