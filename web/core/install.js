/** The browser's offer to put the page among the phone's apps, and the worker that lets it start without a network. */

import { draw } from "./draw.js";

let offer = null;

/** Begin; called once. @param {() => void} onUpdate called when a newer version waits to take over. */
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
    // The first worker takes over a page that needs no reload; a later one brings other files.
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

/** Let the newer version take over; the page reloads. */
export async function takeUpdate() {
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
