/** Sharing a file through the phone's share menu, or as a download. */

/** @param {Blob} blob @param {string} name of the file. */
export async function share(blob, name) {
  const file = new File([blob], name, { type: blob.type.replace(/;.*/, "") });
  const touch = matchMedia("(pointer: coarse)").matches;
  if (touch && navigator.canShare?.({ files: [file] })) {
    try {
      await navigator.share({ files: [file], title: name });
      return;
    } catch (error) {
      if (error instanceof Error && error.name === "AbortError") return;
    }
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
