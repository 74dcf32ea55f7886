/**
 * Service worker that lets the page start without a network. It caches the page's own files only, never responses of
 * the API or photos. `make web` writes the two constants; a test fails if they do not match the files.
 */

const VERSION = "482a08e04d047bff";
const FILES = [
  "/app.js",
  "/core/api.js",
  "/core/auth.js",
  "/core/bulk-photos.js",
  "/core/codes.js",
  "/core/database.js",
  "/core/draw.js",
  "/core/exif.js",
  "/core/i18n.js",
  "/core/install.js",
  "/core/lessons.js",
  "/core/marks.js",
  "/core/me.js",
  "/core/newest.js",
  "/core/outbox.js",
  "/core/people.js",
  "/core/photo.js",
  "/core/pictures.js",
  "/core/problem.js",
  "/core/random.js",
  "/core/register-requests.js",
  "/core/roster.js",
  "/core/school-time.js",
  "/core/session.js",
  "/core/share.js",
  "/core/sign-out.js",
  "/core/substitute.js",
  "/core/theme.js",
  "/core/upload.js",
  "/icons/icon-192.png",
  "/icons/icon-512.png",
  "/icons/icon-maskable-512.png",
  "/icons/icon.svg",
  "/",
  "/languages/admin/ar.js",
  "/languages/admin/de.js",
  "/languages/admin/en.js",
  "/languages/admin/hi.js",
  "/languages/ar.js",
  "/languages/de.js",
  "/languages/en.js",
  "/languages/hi.js",
  "/manifest.webmanifest",
  "/parts/absence-sheet.js",
  "/parts/ask.js",
  "/parts/camera.js",
  "/parts/change-list.js",
  "/parts/face-picture.js",
  "/parts/face-sheet.js",
  "/parts/group-picker.js",
  "/parts/guest-sheet.js",
  "/parts/guests.js",
  "/parts/icons.js",
  "/parts/lesson-list.js",
  "/parts/marking.js",
  "/parts/new-photo.js",
  "/parts/people-list.js",
  "/parts/photo-view.js",
  "/parts/questions.js",
  "/parts/report-views.js",
  "/parts/server-picture.js",
  "/parts/sheet.js",
  "/parts/status.js",
  "/parts/student-sheet.js",
  "/parts/toast.js",
  "/parts/waiting.js",
  "/screens/admin/absences.js",
  "/screens/admin/calendar.js",
  "/screens/admin/changes.js",
  "/screens/admin/codes.js",
  "/screens/admin/contacts.js",
  "/screens/admin/groups.js",
  "/screens/admin/index.js",
  "/screens/admin/lesson-import.js",
  "/screens/admin/lessons.js",
  "/screens/admin/not-taken.js",
  "/screens/admin/notices.js",
  "/screens/admin/parts.js",
  "/screens/admin/photos.js",
  "/screens/admin/retention.js",
  "/screens/admin/roster-import.js",
  "/screens/admin/student.js",
  "/screens/admin/students.js",
  "/screens/admin/substitutes.js",
  "/screens/admin/tokens.js",
  "/screens/admin/users.js",
  "/screens/admin.js",
  "/screens/history.js",
  "/screens/register.js",
  "/screens/report.js",
  "/screens/reports.js",
  "/screens/roll-call.js",
  "/screens/session.js",
  "/screens/settings.js",
  "/screens/sign-in.js",
  "/styles/admin.css",
  "/styles/base.css",
  "/styles/controls.css",
  "/styles/parts.css",
  "/styles/questions.css",
  "/styles/report.css",
  "/styles/roll-call.css",
  "/vendor/idb.js",
  "/vendor/lit-html/async-directive.js",
  "/vendor/lit-html/directive-helpers.js",
  "/vendor/lit-html/directive.js",
  "/vendor/lit-html/directives/ref.js",
  "/vendor/lit-html/directives/repeat.js",
  "/vendor/lit-html/lit-html.js",
];

const CACHE = `muster-${VERSION}`;

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" })))),
  );
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener("message", (event) => {
  if (event.data === "take over") void worker.skipWaiting();
});

worker.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin) return;
  const file = url.pathname === "/index.html" ? "/" : url.pathname;
  if (!FILES.includes(file)) return;
  // All files come from one version's cache, so modules of different versions never mix.
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(file))
      .then((stored) => stored ?? fetch(event.request)),
  );
});
