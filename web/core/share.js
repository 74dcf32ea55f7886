/** A file handed to the person: by the phone's own sharing, else as a download. */

/** @param {Blob} blob @param {string} name of the file. */
export async function share(blob, name) {
  const file = new File([blob], name, { type: blob.type.split(";")[0] });
  const touch = matchMedia("(pointer: coarse)").matches;
  if (touch && navigator.canShare?.({ files: [file] })) {
    try {
      await navigator.share({ files: [file], title: name });
      return;
    } catch (error) {
      if (error.name === "AbortError") return;
    }
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
