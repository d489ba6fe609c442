"use strict";
// The token, where vocald needs one, and what is sent with it. It is kept for this tab only: in sessionStorage, and not
// in the address.

const TOKEN = "vocald token";
const access = document.getElementById("access");
let heldToken = storedToken();

// Some browsers forbid storage; the token is then kept until the page is left.
function storedToken() {
  try {
    return sessionStorage.getItem(TOKEN) || "";
  } catch {
    return "";
  }
}

function holdToken(token) {
  heldToken = token;
  try {
    sessionStorage.setItem(TOKEN, token);
  } catch { /* as above */ }
}

function takeTokenFromAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("token")) return;
  holdToken(address.searchParams.get("token"));
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}

function authorization() {
  return heldToken ? { Authorization: "Bearer " + heldToken } : {};
}

// Whether vocald takes the token, or needs none. It counts as taken while vocald is not there.
async function hasAccess() {
  try {
    return (await fetch("api/streams", { headers: authorization() })).status !== 401;
  } catch {
    return true;
  }
}

function refusedToken() {
  return heldToken
    ? "the token was refused: it is not the one in vocald's configuration"
    : "a token is needed: the one of [publish.http] in vocald's configuration, or of VOCALD_TOKEN";
}

function showTokenForm() {
  access.hidden = false;
  set(document.getElementById("why"), `Not live: ${refusedToken()}.`);
  access.querySelector("input").focus();
}

// Carries out a request and returns the reply; one that never came has an `error` too.
async function request(body) {
  const failed = (error) => ({ ok: false, error });
  let response, text;
  try {
    response = await fetch("api/control", { method: "POST", headers: authorization(), body: JSON.stringify(body) });
    text = await response.text();
  } catch {
    return failed("vocald cannot be reached");
  }
  if (response.status === 401) {
    showTokenForm();
    return failed(refusedToken());
  }
  try {
    return JSON.parse(text);
  } catch {
    return failed(text.trim() || `vocald responded with status ${response.status}`);
  }
}

// Opens an address for programs. A link cannot send the token.
async function openWithToken(event) {
  if (!heldToken) return;
  event.preventDefault();
  const response = await fetch(event.target.getAttribute("href"), { headers: authorization() });
  location.assign(URL.createObjectURL(await response.blob()));
}

takeTokenFromAddress();
