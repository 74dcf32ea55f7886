/** Installation as an app, and the service worker that lets the page start without a network. */

import { draw } from "./draw.js";

/** @type {any} the browser's `BeforeInstallPromptEvent`, which no standard describes. */
let offer = null;

/** Start; call once. @param {() => void} onUpdate called when a newer version is ready to take over. */
export function startInstall(onUpdate) {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = event;
    draw();
  });
  addEventListener("appinstalled", () => {
    offer = null;
    draw();
  });
  if (!("serviceWorker" in navigator)) return;
  let replaced = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    // A page that the first worker takes over needs no reload; a later worker has other files.
    if (replaced) location.reload();
    replaced = true;
  });
  void navigator.serviceWorker.register("/sw.js").then((registration) => {
    const tell = (worker) =>
      worker?.addEventListener("statechange", () => {
        if (worker.state === "installed" && navigator.serviceWorker.controller) onUpdate();
      });
    if (registration.waiting && navigator.serviceWorker.controller) onUpdate();
    tell(registration.installing);
    registration.addEventListener("updatefound", () => tell(registration.installing));
  });
}

/** Activate the newer version, which reloads the page. */
export async function applyUpdate() {
  const registration = await navigator.serviceWorker.getRegistration();
  registration?.waiting?.postMessage("take over");
}

/** Whether the browser offers to install the page. */
export function installable() {
  return offer !== null;
}

/** Show the browser's offer. */
export async function offerInstall() {
  await offer?.prompt();
  offer = null;
  draw();
}
