// Formatting of paths, dates, sizes and numbers.
//
// A path is as in the daemon's JSON: bytes that are not UTF-8 are lone surrogates, U+DC80 to
// U+DCFF, as in Python (PEP 383). In URLs a path is its bytes, percent-encoded.

const encoder = new TextEncoder();

function isEscapedByte(code) {
  return code >= 0xdc80 && code <= 0xdcff;
}

/** Encode a path for a URL. */
export function encodePath(path) {
  let encoded = "";
  for (const character of path) {
    const code = character.codePointAt(0);
    if (isEscapedByte(code)) {
      encoded += percent(code - 0xdc00);
    } else if (/[A-Za-z0-9/_.~-]/.test(character)) {
      encoded += character;
    } else {
      for (const byte of encoder.encode(character)) encoded += percent(byte);
    }
  }
  return encoded;
}

function percent(byte) {
  return "%" + byte.toString(16).toUpperCase().padStart(2, "0");
}

/** Decode a path from a URL. */
export function decodePath(encoded) {
  const bytes = [];
  for (let at = 0; at < encoded.length; at += 1) {
    const character = encoded[at];
    const hexadecimal = encoded.slice(at + 1, at + 3);
    if (character === "%" && /^[0-9A-Fa-f]{2}$/.test(hexadecimal)) {
      bytes.push(parseInt(hexadecimal, 16));
      at += 2;
    } else if (character === "+") {
      bytes.push(32);
    } else {
      bytes.push(...encoder.encode(character));
    }
  }
  return pathOfBytes(Uint8Array.from(bytes));
}

function pathOfBytes(bytes) {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let path = "";
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOfCharacter(bytes[at]);
    try {
      path += strict.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      path += String.fromCharCode(0xdc00 + bytes[at]);
      at += 1;
    }
  }
  return path;
}

function lengthOfCharacter(first) {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** Return a path for display, with visible symbols for control characters. */
export function shown(path) {
  let text = "";
  for (const character of path) {
    const code = character.codePointAt(0);
    if (isEscapedByte(code)) text += "\\x" + (code - 0xdc00).toString(16);
    else if (character === "\n") text += "\u21b5";
    else if (code < 32) text += String.fromCodePoint(0x2400 + code);
    // Bidirectional controls could make a name look like another one.
    else if (code === 127 || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
      text += "\ufffd";
    else text += character;
  }
  return text;
}

const separator = (path) => (/^[A-Za-z]:|^\\\\/.test(path) ? "\\" : "/");

export function nameOf(path) {
  return path.slice(path.lastIndexOf(separator(path)) + 1);
}

export function folderOf(path) {
  const mark = separator(path);
  const end = path.lastIndexOf(mark);
  return end <= path.indexOf(mark) ? path.slice(0, end + 1) : path.slice(0, end);
}

export function isBelow(path, folder) {
  const mark = separator(folder);
  return path === folder || path.startsWith(folder.endsWith(mark) ? folder : folder + mark);
}

/** Return a path for the clipboard; shell-quoted if it has unprintable characters. */
export function pasted(path) {
  const isPlain = ![...path].some((character) => {
    const code = character.codePointAt(0);
    return code < 32 || code === 127 || isEscapedByte(code);
  });
  if (isPlain) return path;
  let quoted = "";
  for (const character of path) {
    const code = character.codePointAt(0);
    if (isEscapedByte(code)) quoted += "\\x" + (code - 0xdc00).toString(16);
    else if (code < 32 || code === 127) quoted += "\\x" + code.toString(16).padStart(2, "0");
    else if (character === "'" || character === "\\") quoted += "\\" + character;
    else quoted += character;
  }
  return `$'${quoted}'`;
}

/** Return a message of the daemon as a sentence. */
export function sentence(text) {
  return text ? `${text.charAt(0).toUpperCase()}${shown(text.slice(1))}.` : "";
}

export function count(number, one, several = one + "s") {
  return `${number.toLocaleString()} ${number === 1 ? one : several}`;
}

export function percentOf(score) {
  return `${Math.round(score * 100)}\u202f%`;
}

export function sizeOf(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toLocaleString(undefined, { maximumFractionDigits: digits })}\u00a0${units[unit]}`;
}

/** Return when a photo was taken, or its file modified, as a local Date. */
export function momentOf(photo) {
  if (photo.captured) {
    // The local time of the place: its time zone is ignored.
    const parts = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?/.exec(
      photo.captured,
    );
    if (parts) {
      const [year, month, day, hour, minute, second] = parts.slice(1).map((part) => Number(part ?? 0));
      return new Date(year, (month || 1) - 1, day || 1, hour, minute, second);
    }
  }
  return photo.modified ? new Date(photo.modified / 1e6) : null;
}

const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const times = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exactTimes = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const months = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const shortMonths = new Intl.DateTimeFormat(undefined, { month: "short" });

export const dayOf = (date) => (date ? days.format(date) : "");
export const timeOf = (date) => (date ? times.format(date) : "");
/** With seconds, which takes of a scene are apart by. */
export const exactTimeOf = (date) => (date ? exactTimes.format(date) : "");
export const monthOf = (date) => (date ? months.format(date) : "");
export const monthName = (month) => shortMonths.format(new Date(2000, Number(month) - 1, 1));
export const monthTitle = (text) =>
  text.length > 4 ? months.format(new Date(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1)) : text;

export function durationOf(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 3600)} hours`;
}

export function agoOf(seconds) {
  const past = Date.now() / 1000 - seconds;
  if (past < 60) return "just now";
  if (past < 3600) return `${count(Math.round(past / 60), "minute")} ago`;
  if (past < 86400) return `${count(Math.round(past / 3600), "hour")} ago`;
  return dayOf(new Date(seconds * 1000));
}
