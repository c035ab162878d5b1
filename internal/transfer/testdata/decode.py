"""Reads exports of Aegis, 2FAS and Bitwarden, plain and under a password, as those
programs do, with nothing of auth: written from the descriptions of the formats on top
of python3-cryptography. One JSON object an account on standard output.

    python3 decode.py aegis|2fas|bitwarden|cxf FILE [PASSPHRASE]
"""

import base64
import hmac
import json
import re
import sys
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7


def base32(text):
    text = text.upper()
    return base64.b32decode(text + "=" * (-len(text) % 8))


def pbkdf2(phrase, salt, rounds):
    return PBKDF2HMAC(hashes.SHA256(), 32, salt, rounds).derive(phrase)


def aegis(data, phrase):
    assert data["version"] == 1
    db = data["db"]
    if isinstance(db, str):
        slots = [s for s in data["header"]["slots"] if s["type"] == 1]
        slot = slots[0]
        key = Scrypt(bytes.fromhex(slot["salt"]), 32, slot["n"], slot["r"], slot["p"]).derive(phrase)
        params = slot["key_params"]
        master = AESGCM(key).decrypt(bytes.fromhex(params["nonce"]), bytes.fromhex(slot["key"] + params["tag"]), None)
        params = data["header"]["params"]
        db = json.loads(AESGCM(master).decrypt(bytes.fromhex(params["nonce"]), base64.b64decode(db) + bytes.fromhex(params["tag"]), None))
    else:
        assert data["header"] == {"slots": None, "params": None}
    groups = {g["uuid"]: g["name"] for g in db["groups"]}
    for e in db["entries"]:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", e["uuid"])
        assert e["icon"] is None
        info = e["info"]
        secret = base32(info["secret"])
        if e["type"] == "motp":
            secret = secret.hex().encode()  # what goes into the hash
        yield {
            "type": e["type"], "issuer": e["issuer"], "name": e["name"], "note": e["note"], "favorite": e["favorite"],
            "tags": sorted(groups[g] for g in e["groups"]), "secret": secret.hex(), "algorithm": info["algo"], "digits": info["digits"],
            "period": info.get("period"), "counter": info.get("counter"), "pin": info.get("pin", ""),
        }


def twofas(data, phrase):
    services = data["services"]
    if data.get("servicesEncrypted"):
        assert services == []

        def opened(text):
            sealed, salt, nonce = (base64.b64decode(part) for part in text.split(":"))
            assert len(salt) == 256 and len(nonce) == 12
            return AESGCM(pbkdf2(phrase, salt, 10000)).decrypt(nonce, sealed, None)

        # The app tries the password on this constant.
        reference = opened(data["reference"]).decode()
        assert len(reference) == 256 and reference.startswith("tRViSsLKzd86") and reference.endswith("TXU7KyoJujd")
        services = json.loads(opened(data["servicesEncrypted"]))
    groups = {g["id"]: g["name"] for g in data["groups"]}
    for at, s in enumerate(services):
        otp = s["otp"]
        assert s["order"]["position"] == at and data["schemaVersion"] == 4
        yield {
            "type": otp["tokenType"].lower(), "issuer": s["name"], "name": otp["account"], "note": "", "favorite": False,
            "tags": [groups[s["groupId"]]] if "groupId" in s else [], "secret": base32(s["secret"]).hex(), "algorithm": otp["algorithm"],
            "digits": otp["digits"], "period": otp.get("period"), "counter": otp.get("counter"), "pin": "",
        }


def bitwarden(data, phrase):
    if data["encrypted"]:
        assert data["passwordProtected"] and data["kdfType"] == 0
        key = pbkdf2(phrase, data["salt"].encode(), data["kdfIterations"])
        enc = HKDFExpand(hashes.SHA256(), 32, b"enc").derive(key)
        mac = HKDFExpand(hashes.SHA256(), 32, b"mac").derive(key)

        def opened(text):
            kind, rest = text.split(".")
            iv, sealed, tag = (base64.b64decode(part) for part in rest.split("|"))
            assert kind == "2" and hmac.compare_digest(hmac.digest(mac, iv + sealed, "sha256"), tag)
            decryptor = Cipher(algorithms.AES(enc), modes.CBC(iv)).decryptor()
            unpadder = PKCS7(128).unpadder()
            return unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()

        opened(data["encKeyValidation_DO_NOT_EDIT"])
        data = json.loads(opened(data["data"]))
    folders = {f["id"]: f["name"] for f in data["folders"]}
    for item in data["items"]:
        assert item["type"] == 1 and item["name"]
        row = {
            "issuer": item["name"], "name": item["login"]["username"], "note": item["notes"] or "", "favorite": item["favorite"],
            "tags": [folders[item["folderId"]]] if item["folderId"] else [], "counter": None, "pin": "",
        }
        uri = item["login"]["totp"]
        if uri.startswith("steam://"):
            row |= {"type": "steam", "secret": base32(uri[8:]).hex(), "algorithm": "SHA1", "digits": 5, "period": 30}
        else:
            parsed = urllib.parse.urlsplit(uri)
            query = dict(urllib.parse.parse_qsl(parsed.query, strict_parsing=True))
            label = urllib.parse.unquote(parsed.path[1:])
            assert parsed.scheme == "otpauth" and query["issuer"] == row["issuer"] and label == row["issuer"] + ":" + row["name"]
            row |= {
                "type": parsed.netloc, "secret": base32(query["secret"]).hex(), "algorithm": query["algorithm"],
                "digits": int(query["digits"]), "period": int(query["period"]),
            }
        yield row


def cxf(data, phrase):
    """Credential Exchange Format 1.0: every required member is asked for."""
    assert data["version"] == {"major": 1, "minor": 0} and data["exporterRpId"] and data["exporterDisplayName"] and data["timestamp"] > 0
    seen = set()
    for one in data["accounts"]:
        assert isinstance(one["username"], str) and isinstance(one["email"], str) and one["collections"] == []
        for item in one["items"]:
            for holder in (one, item):
                assert 0 < len(base64.urlsafe_b64decode(holder["id"] + "==")) <= 64 and "=" not in holder["id"]
            assert item["id"] not in seen and isinstance(item["title"], str)
            seen.add(item["id"])
            totp, *rest = item["credentials"]
            assert totp["type"] == "totp" and 0 < totp["period"] < 256 and all(c["type"] == "note" for c in rest)
            steam = totp["algorithm"] == "steam"
            yield {
                "type": "steam" if steam else "totp", "issuer": totp.get("issuer", ""), "name": totp.get("username", ""),
                "note": "".join(c["content"]["value"] for c in rest), "favorite": item.get("favorite", False), "tags": item.get("tags", []),
                "secret": base32(totp["secret"]).hex(), "algorithm": "SHA1" if steam else totp["algorithm"].upper(), "digits": totp["digits"],
                "period": totp["period"], "counter": None, "pin": "",
            }


def main():
    kind, path = sys.argv[1:3]
    phrase = sys.argv[3].encode() if len(sys.argv) > 3 else None
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    for row in {"aegis": aegis, "2fas": twofas, "bitwarden": bitwarden, "cxf": cxf}[kind](data, phrase):
        print(json.dumps(row))


main()
