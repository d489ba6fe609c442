"use strict";
// Numbers and times as text.

function text(content) {
  const span = document.createElement("span");
  span.textContent = content;
  return span;
}

// Only on a change: a screen reader reads a live region again otherwise.
function set(element, content) {
  if (element.textContent !== content) element.textContent = content;
}

function clock(t) {
  const minutes = Math.floor(t / 60);
  return minutes + ":" + String(Math.floor(t % 60)).padStart(2, "0");
}

function duration(s) {
  return s < 60 ? Math.max(0, Math.floor(s)) + " s" : clock(s);
}

function decibels(db) {
  return Math.round(db).toString().replace("-", "−") + " dB";
}

// The end of a file's path is its most useful part.
function shortName(name) {
  return name.split("/").slice(-2).join("/");
}

function milliseconds(s) {
  return Math.round(s * 1000) + " ms";
}
