"""Writes the fixtures of the formats that are text: testdata/formats/NAME/FILE and
beside each FILE.want.json, what is to come out of it. The encoders are written from the
descriptions of the formats, with python3-cryptography; everything in them is made up.

    python3 make.py
"""

import base64
import hashlib
import html
import io
import json
import os
import random
import urllib.parse
import zipfile

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")
PHRASE = "correct horse"
DICE = random.Random(1)


def account(kind, issuer, name, secret, algorithm="SHA1", digits=6, period=30, counter=0, pin="", tags=(), note=""):
    if kind == "hotp":
        period = 0
    return {
        "type": kind, "issuer": issuer, "name": name, "secret": secret.hex(), "algorithm": algorithm, "digits": digits,
        "period": period, "counter": counter, "pin": pin, "tags": sorted(tags), "note": note,
    }


# The secrets have 5, 7, 20 and 20 bytes: the lengths of base32 that decoders get wrong.
ALICE = account("totp", "Example", "alice@example.com", b"\x00\xff\x80ab")
BOB = account("totp", "ACME Co", "bob", b"sevenB!", "SHA256", 8, 60)
CAROL = account("hotp", "Bank", "carol", b"12345678901234567890", counter=7)
DAVE = account("steam", "Steam", "dave", b"steam-steam-steam-20", digits=5)
EVE = account("motp", "Corp", "eve", b"e3152afee62599c8", "MD5", 6, 10, pin="1234")
IVAN = account("yandex", "Yandex", "ivan", b"sixteen bytes ok", "SHA256", 8, pin="7586")


def but(a, **changes):
    return {**a, **changes}


def write(fmt, name, data, accounts, phrase=None, skipped=0, warnings=0, dropped=()):
    folder = os.path.join(HERE, fmt)
    os.makedirs(folder, exist_ok=True)
    if not isinstance(data, (bytes, str)):
        data = json.dumps(data, indent=1, ensure_ascii=False)
    if isinstance(data, str):
        data = data.encode()
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
    want = {"passphrase": phrase, "accounts": accounts, "skipped": skipped, "warnings": warnings, "dropped": sorted(dropped)}
    with open(os.path.join(folder, name + ".want.json"), "w") as f:
        json.dump(want, f, indent=1, ensure_ascii=False)
        f.write("\n")


def raw(a):
    return bytes.fromhex(a["secret"])


def b32(a):
    return base64.b32encode(raw(a)).decode().rstrip("=")


def b64(data):
    return base64.b64encode(data).decode()


def quote(s):
    return urllib.parse.quote(s, safe="")


def uri(a):
    host = {"yandex": "yaotp"}.get(a["type"], a["type"])
    label = quote(a["issuer"]) + ":" + quote(a["name"])
    if a["type"] == "motp":
        return f"motp://{label}?secret={raw(a).decode()}&pin={a['pin']}"
    out = f"otpauth://{host}/{label}?secret={b32(a)}&issuer={quote(a['issuer'])}&algorithm={a['algorithm']}&digits={a['digits']}"
    out += f"&counter={a['counter']}" if a["type"] == "hotp" else f"&period={a['period']}"
    if a["pin"]:
        out += "&pin=" + base64.b32encode(a["pin"].encode()).decode().rstrip("=")
    return out


def gcm(key, plain, aad=None):
    nonce = DICE.randbytes(12)
    return nonce, AESGCM(key).encrypt(nonce, plain, aad)


def pbkdf2(algorithm, salt, rounds, phrase=PHRASE):
    return PBKDF2HMAC(algorithm, 32, salt, rounds).derive(phrase.encode())


def argon2id(salt, passes, memory, lanes=1, phrase=PHRASE):
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(phrase.encode())


def cbc(key, iv, plain):
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def otpauth():
    lines = [
        "# a comment", "", uri(ALICE), json.dumps(uri(BOB)) + ",", uri(CAROL).replace("otpauth", "OTPAUTH", 1), uri(DAVE), uri(EVE), uri(IVAN),
        "otpauth://totp/Org:user%23EXT%23@example.com?secret=AAAA&issuer=Microsoft", "otpauth://hotp/x?secret=AAAA",
        "a line that is none", "otpauth://totp/x?secret=AAAA&algorithm=GOST",
    ]
    more = [
        account("totp", "Microsoft", "user#EXT#@example.com", b"\0\0", note="Label: Org"),
        account("hotp", "", "x", b"\0\0"),
    ]
    write("otpauth", "list.txt", "\ufeff" + "\r\n".join(lines), [ALICE, BOB, CAROL, DAVE, EVE, IVAN] + more, skipped=2, warnings=2)
    write("otpauth", "utf16.txt", ("\ufeff" + uri(ALICE) + "\r\n").encode("utf-16-le"), [ALICE])
    write("otpauth", "array.json", json.dumps([uri(ALICE), uri(CAROL), "junk"]), [ALICE, CAROL], skipped=1)
    data = quote(json.dumps({"shared_secret": b64(raw(DAVE))}))
    lines = [uri(BOB), f"otpauth://totp/Steam:dave?secret=AAAA&digits=5&data={data}", "otpauth://totp/Battle.net:me?secret=AAAA&digits=8&serial=EU-1"]
    write("otpauth", "winauth.txt", "\n".join(lines), [BOB, DAVE, account("totp", "Battle.net", "me", b"\0\0", digits=8)])


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def parameters(a, name=None):
    out = field(1, raw(a)) + field(2, (name or a["name"]).encode()) + field(3, a["issuer"].encode())
    out += field(4, {"SHA1": 1, "SHA256": 2, "SHA512": 3}[a["algorithm"]]) + field(5, {6: 1, 8: 2}[a["digits"]])
    out += field(6, 1) + field(7, a["counter"]) if a["type"] == "hotp" else field(6, 2)
    return out + field(8, b"unique id") + field(99, 5) + varint(98 << 3 | 5) + b"\0\0\0\0"


def migration(entries, size=1, index=0, batch=-5):
    payload = b"".join(field(1, e) for e in entries) + field(2, 1) + field(3, size) + field(4, index) + field(5, batch)
    return "otpauth-migration://offline?data=" + quote(b64(payload))


def google():
    bob = but(BOB, period=30)
    write("google", "one.txt", migration([parameters(ALICE, "Example:" + ALICE["name"]), parameters(bob), parameters(CAROL)]), [ALICE, bob, CAROL])
    raw_plus = migration([parameters(but(ALICE, secret="fbefbe"))]).replace("%2B", "+").replace("%2F", "/").replace("%3D", "")
    write("google", "raw.txt", raw_plus, [but(ALICE, secret="fbefbe")])
    write("google", "part.txt", migration([parameters(ALICE)], 3, 1), [ALICE], warnings=1)
    md5 = parameters(ALICE).replace(field(4, 1), field(4, 4))
    write("google", "md5.txt", migration([md5, parameters(CAROL)]), [CAROL], skipped=1)


def aegis_entry(a, **more):
    info = {"secret": b32(a), "algo": a["algorithm"], "digits": a["digits"]}
    if a["type"] == "motp":
        info["secret"] = base64.b32encode(bytes.fromhex(raw(a).decode())).decode().rstrip("=")
    info |= {"counter": a["counter"]} if a["type"] == "hotp" else {"period": a["period"]}
    if a["pin"]:
        info["pin"] = a["pin"]
    return {"type": a["type"], "uuid": "u", "name": a["name"], "issuer": a["issuer"], "icon": None, "info": info} | more


def aegis():
    entries = [
        aegis_entry(ALICE, groups=["g1"], note="a note", favorite=True), aegis_entry(BOB, icon="aWNvbg=="), aegis_entry(CAROL), aegis_entry(DAVE),
        aegis_entry(EVE), aegis_entry(IVAN), aegis_entry(but(BOB, algorithm="MD5", issuer="M")), aegis_entry(but(BOB, period=0)), "nonsense",
    ]
    want = [
        but(ALICE, tags=["Work", "favorite"], note="a note"), BOB, CAROL, DAVE, EVE, IVAN, but(BOB, algorithm="SHA1", issuer="M"),
    ]
    db = {"version": 3, "entries": entries, "groups": [{"uuid": "g1", "name": "Work"}]}
    write("aegis", "plain.json", {"version": 1, "header": {"slots": None, "params": None}, "db": db}, want, skipped=2, warnings=1, dropped=["icons"])
    old = {"version": 1, "entries": [aegis_entry(ALICE, group="Old", icon="null")]}
    write("aegis", "v1.json", {"version": 1, "header": {"slots": None, "params": None}, "db": old}, [but(ALICE, tags=["Old"])])
    master, slots = DICE.randbytes(32), [{"type": 2, "uuid": "b", "key": "00", "key_params": {"nonce": "", "tag": ""}}]
    for phrase in ("another", PHRASE):
        salt = DICE.randbytes(32)
        nonce, sealed = gcm(Scrypt(salt, 32, 1024, 8, 1).derive(phrase.encode()), master)
        slots.append({
            "type": 1, "uuid": "p", "key": sealed[:-16].hex(), "key_params": {"nonce": nonce.hex(), "tag": sealed[-16:].hex()},
            "n": 1024, "r": 8, "p": 1, "salt": salt.hex(), "repaired": True, "is_backup": False,
        })
    nonce, sealed = gcm(master, json.dumps(db).encode())
    header = {"slots": slots, "params": {"nonce": nonce.hex(), "tag": sealed[-16:].hex()}}
    write("aegis", "sealed.json", {"version": 1, "header": header, "db": b64(sealed[:-16])}, want, PHRASE, skipped=2, warnings=1, dropped=["icons"])


def andotp():
    def entry(a, **more):
        e = {"secret": b32(a), "issuer": a["issuer"], "label": a["name"], "digits": a["digits"], "type": a["type"].upper(), "algorithm": a["algorithm"],
             "thumbnail": "Default", "last_used": 0, "tags": a["tags"]}
        return e | ({"counter": a["counter"]} if a["type"] == "hotp" else {"period": a["period"]}) | more

    eve = but(EVE, pin="")
    tagged = but(ALICE, tags=["Work"])
    old = {"secret": b32(BOB), "label": "ACME Co - bob", "type": "TOTP"}
    entries = [entry(tagged), entry(BOB, label="ACME Co:bob"), entry(CAROL), entry(DAVE), entry(eve, algorithm="SHA1"), old, entry(ALICE, type="OCRA")]
    want = [tagged, BOB, CAROL, DAVE, eve, account("totp", "ACME Co", "bob", raw(BOB))]
    plain = json.dumps(entries).encode()
    write("andotp", "plain.json", plain, want, skipped=1)
    salt = DICE.randbytes(12)
    nonce, sealed = gcm(pbkdf2(hashes.SHA1(), salt, 2000), plain)
    write("andotp-encrypted", "new.json.aes", (2000).to_bytes(4, "big") + salt + nonce + sealed, want, PHRASE, skipped=1)
    nonce, sealed = gcm(hashlib.sha256(PHRASE.encode()).digest(), plain)
    write("andotp-encrypted", "old.json.aes", nonce + sealed, want, PHRASE, skipped=1)


def twofas():
    def service(a, **more):
        otp = {"label": a["name"], "account": a["name"], "issuer": a["issuer"], "digits": a["digits"], "period": a["period"], "algorithm": a["algorithm"],
               "counter": a["counter"], "tokenType": a["type"].upper(), "source": "Manual"}
        if a["type"] == "hotp":
            otp["period"] = None
        return {"name": a["issuer"], "secret": b32(a), "otp": otp, "order": {"position": 0}} | more

    renamed = service(ALICE, name="Renamed", groupId="g")
    bare = {"name": "Bare", "secret": "AAAA", "otp": {"label": "x", "digits": None, "tokenType": None}}
    services = [renamed, service(BOB, icon={"selected": "Label"}), service(CAROL), service(DAVE), bare, service(but(BOB, algorithm="SHA224"))]
    want = [but(ALICE, issuer="Renamed", note="Issuer: Example", tags=["Group"]), BOB, CAROL, DAVE, account("totp", "Bare", "x", b"\0\0")]
    file = {"services": services, "groups": [{"id": "g", "name": "Group", "isExpanded": True}], "updatedAt": 1, "schemaVersion": 4}
    write("2fas", "plain.2fas", file, want, skipped=1, dropped=["icons"])
    v1 = {"schemaVersion": 1, "services": [{"name": "Example", "secret": b32(ALICE).lower(), "otp": {"account": "alice@example.com", "issuer": "Example"}}]}
    write("2fas", "v1.json", v1, [ALICE])
    salt = DICE.randbytes(256)
    nonce, sealed = gcm(pbkdf2(hashes.SHA256(), salt, 10000), json.dumps(services).encode())
    file |= {"services": [], "servicesEncrypted": ":".join(b64(x) for x in (sealed, salt, nonce)), "reference": "x"}
    write("2fas", "sealed.2fas", file, want, PHRASE, skipped=1, dropped=["icons"])


def stratum():
    kinds, hashes_ = ["hotp", "totp", "motp", "steam", "yandex"], ["SHA1", "SHA256", "SHA512"]

    def entry(a, **more):
        secret = raw(a).decode() if a["type"] == "motp" else b32(a)
        return {"Type": kinds.index(a["type"]) + 1, "Icon": "x", "Issuer": a["issuer"], "Username": a["name"] or None, "Secret": secret, "Pin": a["pin"],
                "Algorithm": hashes_.index(a["algorithm"]) if a["algorithm"] in hashes_ else 0, "Digits": a["digits"], "Period": a["period"],
                "Counter": a["counter"], "Ranking": 0} | more

    noname = but(BOB, name="", secret="00ff00")
    file = {
        "Authenticators": [entry(a) for a in (ALICE, BOB, CAROL, DAVE, EVE, IVAN, noname)] + [entry(ALICE, Type=9), entry(ALICE, Algorithm=7)],
        "Categories": [{"Id": "1", "Name": "Work"}], "AuthenticatorCategories": [{"CategoryId": "1", "AuthenticatorSecret": b32(ALICE)}],
        "CustomIcons": [{"Id": "x"}],
    }
    del file["Authenticators"][0]["Pin"]
    write("stratum", "plain.authpro", file, [but(ALICE, tags=["Work"]), BOB, CAROL, DAVE, EVE, IVAN, noname], skipped=2, dropped=["icons"])


def proton():
    def entry(text, kind, name, note=None):
        return {"id": "1", "content": {"uri": text, "entry_type": kind, "name": name}, "note": note}

    file = {"version": 1, "entries": [
        entry(uri(ALICE), "Totp", "edited", "a note"), entry("steam://" + b32(DAVE), "Steam", "dave"), entry("otpauth://totp/?secret=AAAA", "Totp", "named"),
        entry("otpauth://totp/x?secret=1", "Totp", "bad"),
    ]}
    want = [but(ALICE, note="a note"), DAVE, account("totp", "", "named", b"\0\0")]
    write("proton", "plain.json", file, want, skipped=1)
    salt = DICE.randbytes(16)
    nonce, sealed = gcm(argon2id(salt, 2, 19 * 1024), json.dumps(file).encode(), b"proton.authenticator.export.v1")
    write("proton", "sealed.json", {"version": 1, "salt": b64(salt), "content": b64(nonce + sealed)}, want, PHRASE, skipped=1)


def bitwarden():
    def item(name, user, totp, **more):
        return {"type": 1, "name": name, "notes": None, "favorite": False, "folderId": None, "collectionIds": None,
                "login": {"username": user, "password": "x", "totp": totp}} | more

    items = [
        item("ignored", "ignored", uri(ALICE), favorite=True, folderId="f"), item("ACME Co", "bob", " aaaa bbbb ", notes="a note"),
        item("Steam", "dave", "steam://" + b32(DAVE)), item("No code", "x", None), {"type": 1, "name": "Nothing", "login": None}, {"type": 2, "name": "Note"},
        item("Bad", "x", "not base 32!"), item("Issuerless", None, "otpauth://totp/u?secret=AAAA", collectionIds=["f"]),
    ]
    want = [
        but(ALICE, tags=["Folder", "favorite"]), account("totp", "ACME Co", "bob", base64.b32decode("AAAABBBB"), note="a note"), DAVE,
        account("totp", "Issuerless", "u", b"\0\0", tags=["Folder"]),
    ]
    file = {"encrypted": False, "folders": [{"id": "f", "name": "Folder"}], "items": items}
    write("bitwarden", "plain.json", file, want, skipped=1)
    for name, kdf in (("pbkdf2.json", 0), ("argon2.json", 1)):
        salt = b64(DICE.randbytes(16))
        if kdf:
            key = argon2id(hashlib.sha256(salt.encode()).digest(), 2, 16 * 1024, 2)
        else:
            key = pbkdf2(hashes.SHA256(), salt.encode(), 5000)
        enc, mac = (HKDFExpand(hashes.SHA256(), 32, info).derive(key) for info in (b"enc", b"mac"))

        def seal(plain):
            iv = DICE.randbytes(16)
            data = cbc(enc, iv, plain)
            h = hmac.HMAC(mac, hashes.SHA256())
            h.update(iv + data)
            return "2." + "|".join(b64(x) for x in (iv, data, h.finalize()))

        write("bitwarden", name, {
            "encrypted": True, "passwordProtected": True, "salt": salt, "kdfType": kdf, "kdfIterations": 2 if kdf else 5000,
            "kdfMemory": 16 if kdf else None, "kdfParallelism": 2 if kdf else None, "encKeyValidation_DO_NOT_EDIT": seal(b"id"),
            "data": seal(json.dumps(file).encode()),
        }, want, PHRASE, skipped=1)


def cryptojs(plain, phrase):
    salt, out, block = DICE.randbytes(8), b"", b""
    while len(out) < 48:
        block = hashlib.md5(block + phrase.encode() + salt).digest()
        out += block
    return b64(b"Salted__" + salt + cbc(out[:32], out[32:48], plain))


def extension():
    def entry(at, a, kind, secret, **more):
        return {"account": a["name"], "issuer": a["issuer"], "secret": secret, "type": kind, "counter": a["counter"], "digits": a["digits"],
                "period": a["period"], "algorithm": a["algorithm"], "encrypted": False, "index": at, "pinned": False, "hash": f"h{at}"} | more

    battle = account("totp", "Battle.net", "me", b"\0\0", digits=8)
    entries = [
        entry(0, ALICE, "totp", b32(ALICE), issuer="Example::example.com", pinned=True), entry(1, BOB, "hex", raw(BOB).hex()), entry(2, CAROL, "hhex", raw(CAROL).hex()),
        entry(3, DAVE, "steam", "stm-" + b32(DAVE)), entry(4, battle, "battle", "blz-AAAA", digits=6), entry(5, ALICE, "totp", b32(ALICE), algorithm="GOST3411_2012_256"),
    ]
    want = [but(ALICE, tags=["favorite"]), BOB, CAROL, DAVE, battle]
    write("authenticator-extension", "plain.json", {e["hash"]: e for e in reversed(entries)}, want, skipped=1)
    v1 = {e["hash"]: e | {"encrypted": True, "secret": cryptojs(e["secret"].encode(), PHRASE)} for e in entries}
    write("authenticator-extension", "v1.json", v1, want, PHRASE, skipped=1)
    key = DICE.randbytes(16)
    v2 = {e["hash"]: e | {"encrypted": True, "secret": cryptojs(e["secret"].encode(), key.hex())} for e in entries}
    write("authenticator-extension", "v2.json", v2 | {"key": {"enc": cryptojs(key, PHRASE), "hash": "x"}}, want, PHRASE, skipped=1)
    derived = base64.b64encode(argon2id(b"0123456789abcdef", 2, 19456)).decode().rstrip("=")
    v3 = {"k": {"dataType": "Key", "id": "k", "salt": "0123456789abcdef", "hash": "x", "version": 3}}
    for e in entries:
        v3[e["hash"]] = {"dataType": "EncOTPStorage", "keyId": "k", "index": e["index"], "data": cryptojs(json.dumps(e).encode(), derived)}
    write("authenticator-extension", "v3.json", v3, want, PHRASE, skipped=1)


def tokens(a, **more):
    return {"algo": a["algorithm"], "counter": a["counter"], "digits": a["digits"], "issuerExt": a["issuer"], "label": a["name"], "period": a["period"] or 30,
            "secret": [b - 256 if b > 127 else b for b in raw(a)], "type": "HOTP" if a["type"] == "hotp" else "TOTP"} | more


def smaller():
    list_ = [tokens(ALICE, issuerInt="Example"), tokens(BOB, label="old", labelAlt="bob"), tokens(CAROL), tokens(DAVE), tokens(ALICE, secret=[999])]
    write("freeotp+", "tokens.json", {"tokenOrder": ["x"], "tokens": list_}, [ALICE, BOB, CAROL, DAVE], skipped=1)
    strings = "".join(f'<string name="{i}">{html.escape(json.dumps(t))}</string>' for i, t in enumerate(list_))
    prefs = "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<map><string name=\"tokenOrder\">[]</string>" + strings + "</map>"
    write("freeotp", "tokens.xml", prefs, [ALICE, BOB, CAROL, DAVE], skipped=1)

    def lastpass(a, **more):
        return {"issuerName": a["issuer"], "userName": a["name"], "secret": b32(a), "timeStep": a["period"], "digits": a["digits"], "algorithm": a["algorithm"],
                "isFavorite": False, "folderData": None} | more

    file = {"deviceId": "x", "version": 3, "folders": [{"id": 0, "name": "Other"}, {"id": 5, "name": "Mine"}],
            "accounts": [lastpass(ALICE, isFavorite=True, folderData={"folderId": 5}), lastpass(BOB, folderData={"folderId": 0}), lastpass(ALICE, secret="1")]}
    write("lastpass", "export.json", file, [but(ALICE, tags=["Mine", "favorite"]), BOB], skipped=1)

    duo = [{"name": "alice@example.com", "accountType": "OtpAccount", "otpGenerator": {"otpSecret": b32(ALICE)}},
           {"name": "carol", "otpGenerator": {"otpSecret": b32(CAROL), "counter": 7}}, {"name": "push", "accountType": "DuoAccount"},
           {"name": "b64", "otpGenerator": {"otpSecret": b64(raw(ALICE))}}]
    write("duo", "accounts.json", duo, [but(ALICE, issuer=""), but(CAROL, issuer=""), account("totp", "", "b64", raw(ALICE))], skipped=1)

    def raivo(a, **more):
        return {"issuer": a["issuer"], "account": a["name"], "secret": b32(a), "algorithm": a["algorithm"], "digits": str(a["digits"]), "kind": a["type"].upper(),
                "timer": str(a["period"]), "counter": str(a["counter"]), "pinned": "false", "iconType": "", "iconValue": ""} | more

    write("raivo", "raivo-otp-export.json", [raivo(ALICE, pinned="true"), raivo(BOB, iconValue="x"), raivo(CAROL)], [but(ALICE, tags=["favorite"]), BOB, CAROL], dropped=["icons"])

    def element(a):
        return {"secret": raw(a).decode() if a["type"] == "motp" else b32(a), "issuer": a["issuer"], "label": a["name"], "digits": a["digits"],
                "type": a["type"].upper(), "algorithm": a["algorithm"], "period": a["period"], "counter": a["counter"], "pin": a["pin"] or None}

    write("cotp", "elements.json", {"version": 2, "elements": [element(a) for a in (ALICE, BOB, CAROL, DAVE, EVE, IVAN)]}, [ALICE, BOB, CAROL, DAVE, EVE, IVAN])
    write("cotp", "items.json", {"items": [uri(ALICE), "junk", uri(CAROL)]}, [ALICE, CAROL], skipped=1)

    def twofauth(a, kind):
        return {"otp_type": kind, "account": a["name"], "service": a["issuer"], "secret": b32(a), "digits": a["digits"], "algorithm": a["algorithm"].lower(),
                "period": a["period"] or None, "counter": a["counter"] if a["type"] == "hotp" else None, "icon": None}

    rows = [twofauth(ALICE, "totp"), twofauth(CAROL, "hotp"), twofauth(DAVE, "steamtotp")]
    write("2fauth", "export.json", {"app": "2fauth_v5", "schema": 1, "data": rows}, [ALICE, CAROL, DAVE])

    text = f"\nName:   alice@example.com \nSecret: {b32(ALICE)} \nIssuer: Example \nType:   OTP_TOTP\n\nName:   Bank:carol\nSecret: {b32(CAROL)}\nIssuer: Bank\nType:   OTP_TOTP\n"
    write("authme", "export.authme", {"role": "codes", "encrypted": False, "codes": b64(text.encode()), "version": 3}, [ALICE, account("totp", "Bank", "carol", raw(CAROL))])

    mafile = {"shared_secret": b64(raw(DAVE)), "account_name": "dave", "uri": "otpauth://totp/Steam:x?secret=AAAA&issuer=Steam", "Session": None}
    write("steam", "1.maFile", mafile, [DAVE])
    write("steam", "Steamguard-1", {"accounts": {"2": mafile, "1": mafile | {"account_name": "first"}}}, [but(DAVE, name="first"), DAVE])

    rows = [{"name": "Example:alice@example.com", "secret": b32(ALICE), "issuer": "Example", "type": "totp", "counter": None, "url": "x"},
            {"name": "carol: x", "secret": b32(CAROL), "issuer": "", "type": "hotp", "counter": 7, "url": "x"}]
    write("extract-otp", "out.json", rows, [ALICE, but(CAROL, issuer="", name="carol: x")])
    csv = "name,secret,issuer,type,counter,url\n" + "".join(f"{r['name']},{r['secret']},{r['issuer']},{r['type']},{r['counter'] or ''},x\n" for r in rows)
    write("extract-otp-csv", "out.csv", csv, [ALICE, but(CAROL, issuer="", name="carol: x")])


    table = f"Issuer;Account;Secret;Algorithm;Digits;Period\nACME Co;bob;{b32(BOB)};sha256;8;60\nExample;alice@example.com;{b32(ALICE)};;;\n"
    write("extract-otp-csv", "table.csv", table, [BOB, ALICE])


def managers():
    def field_(totp, title="one-time password"):
        return {"title": title, "value": {"totp": totp}}

    item = {"overview": {"title": "ACME Co", "tags": ["Work"]}, "favIndex": 1, "state": "active", "details": {
        "loginFields": [{"value": "bob", "designation": "username"}, {"value": "x", "designation": "password"}],
        "sections": [{"fields": [field_("AAAA"), {"title": "t", "value": {"string": "s"}}]}, {"fields": [field_(uri(ALICE), "second")]}]}}
    none = {"overview": {"title": "None"}, "details": {"sections": []}}
    data = {"accounts": [{"vaults": [{"items": [{"item": item}, item | {"state": "trashed"}, none]}]}]}
    want = [account("totp", "ACME Co", "bob", b"\0\0", tags=["Work", "favorite"]), but(ALICE, tags=["Work", "favorite"], note="second")]
    write("1password", "export.data", data, want, skipped=2)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("export.attributes"), json.dumps({"version": 3}))
        z.writestr(zipfile.ZipInfo("export.data"), json.dumps(data))
        z.writestr(zipfile.ZipInfo("files/otpauth.txt"), uri(BOB))
    write("1password", "export.1pux", out.getvalue(), want, skipped=2)

    def login(name, user, email, totp, extra=(), **more):
        return {"data": {"metadata": {"name": name, "note": ""}, "type": "login", "content": {"itemUsername": user, "itemEmail": email, "totpUri": totp},
                         "extraFields": list(extra)}, "state": 1} | more

    extra = {"fieldName": "Spare", "type": "totp", "data": {"totpUri": "AAAA"}}
    vaults = {"z": {"name": "First", "items": [login("ACME Co", "", "bob", uri(ALICE) + "%3D", [extra], pinned=True), login("None", "", "", "")]},
              "a": {"name": "Second", "items": [login("Gone", "x", "", uri(BOB), state=2), login("C", "c", "", uri(CAROL))]}}
    want = [but(ALICE, tags=["favorite"]), account("totp", "ACME Co", "bob", b"\0\0", tags=["favorite"], note="Spare"), CAROL]
    want[0]["period"] = 30
    file = {"version": "1.21.2", "encrypted": False, "vaults": vaults}
    file["vaults"]["z"]["items"][0]["data"]["content"]["totpUri"] = uri(ALICE).replace("&issuer", "%3D&issuer", 1)
    write("proton-pass", "data.json", file, want, skipped=1)

    fields = [{"type": "username", "value": "bob"}, {"type": "totp", "value": "aaaa"}, {"type": "totp", "value": ""}]
    items = [{"title": "ACME Co", "note": "a note", "favorite": 1, "folders": ["f"], "fields": fields}, {"title": "Old", "trashed": 1, "fields": fields}]
    write("enpass", "vault.json", {"folders": [{"uuid": "f", "title": "Work"}], "items": items},
          [account("totp", "ACME Co", "bob", b"\0\0", tags=["Work", "favorite"], note="a note")], skipped=1)

    alice = but(ALICE, note="")
    bare = account("totp", "ACME Co", "bob", b"\0\0")
    write("csv", "1password.csv", "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\n"
          f'x,u,y,p,{uri(ALICE)},true,false,"b,a",a note\nNone,u,y,p,,false,false,,\nACME Co,u,bob,p,AAAA,false,false,,\n',
          [but(ALICE, tags=["a", "b", "favorite"], note="a note"), bare])
    write("csv", "apple.csv", f"\ufeffTitle,URL,Username,Password,Notes,OTPAuth\r\nexample (x),u,x,p,,{uri(ALICE)}\r\n", [alice])
    write("csv", "semicolons.csv", "Title;Login;Password;URL;Notes;OTP\nACME Co;bob;p;u;;AAAA\n", [bare])
    write("csv", "bitwarden-authenticator.csv", f"folder,favorite,type,name,login_uri,login_totp\n,,1,Example,,{uri(ALICE)},Example,30,6\n", [alice])
    write("csv", "lastpass.csv", "url,username,password,totp,extra,name,grouping,fav\nu,bob,p,aa aa,a note,ACME Co,Work,1\n",
          [but(bare, tags=["Work", "favorite"], note="a note")])
    write("csv", "dashlane.csv", "username,username2,username3,title,password,note,url,category,otpSecret\nbob,,,ACME Co,p,,u,,AAAA\nx,,,Bad,p,,u,,1111\n", [bare], skipped=1)
    write("csv", "keeper.csv", f'"Work","Example","alice","p","https://x.example","","","$oneTimeCode::1","{uri(ALICE)}"\n"","x","","","","",""\n', [alice])
    write("csv", "keepass-hotp.csv", f"Title,User Name,HmacOtp-Secret-Base32,HmacOtp-Counter,Group\nBank,carol,{b32(CAROL)},7,A/B\n", [but(CAROL, tags=["A/B"])])
    write("keepassxc", "export.csv", '"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"\n'
          f'"Root/Dev/Git","x","y","p","","a note","{uri(ALICE)}","0","",""\n"Root","Steam","dave","","","","otpauth://totp/Steam:dave?secret={b32(DAVE)}&encoder=steam&digits=5","0","",""\n',
          [but(ALICE, tags=["Dev/Git"], note="a note"), DAVE])

    def strings(**fields_):
        return "".join(f"<String><Key>{k.replace('_', ' ')}</Key><Value>{html.escape(v)}</Value></String>" for k, v in fields_.items())

    history = "<History><Entry>" + strings(Title="Old", otp=uri(BOB)) + "</Entry></History>"
    xml = ('<?xml version="1.0" encoding="utf-8"?><KeePassFile><Meta><RecycleBinEnabled>True</RecycleBinEnabled><RecycleBinUUID>BIN</RecycleBinUUID></Meta><Root><Group><UUID>R</UUID>'
           "<Name>Root</Name><Entry>" + strings(Title="x", UserName="y", otp=uri(ALICE), Notes="a note") + history + "</Entry><Group><UUID>G</UUID><Name>Work</Name><Entry>"
           + strings(Title="ACME Co", UserName="bob", TOTP_Seed="AAAA", TOTP_Settings="30;6") + "</Entry></Group><Group><UUID>BIN</UUID><Name>Bin</Name><Entry>"
           + strings(Title="Gone", otp=uri(CAROL)) + "</Entry></Group></Group></Root></KeePassFile>")
    write("keepass-xml", "export.xml", xml, [but(ALICE, note="a note"), but(bare, tags=["Work"])])

    page = f"<!DOCTYPE html>\n<html><body><code>{html.escape(uri(ALICE))}</code><a href='{html.escape(uri(ALICE))}'>x</a><p>{uri(EVE)}</p></body></html>"
    write("html", "page.html", page, [ALICE, EVE])
    write("pass", "example.com", f"hunter2\nlogin: alice\n{uri(ALICE)}\n", [ALICE])
    write("pass", "gopass.txt", "hunter2\n---\nuser: x\ntotp: AAAA\n", [account("totp", "", "gopass", b"\0\0")])

    def ente(a, **display):
        text = json.dumps({"pinned": False, "trashed": False, "tags": [], "note": "", "position": 0} | display)
        return uri(a) + "&codeDisplay=" + urllib.parse.quote_plus(text)

    write("ente", "plain.txt", "\n".join([ente(ALICE, tags=["Work"], note="a note", pinned=True), ente(BOB, trashed=True), uri(CAROL)]),
          [but(ALICE, tags=["Work", "favorite"], note="a note"), CAROL], skipped=1)


def exchange():
    """The FIDO Credential Exchange Format, and the exports that are told by their own
    members alone."""
    def totp(a, **more):
        algorithm = "steam" if a["type"] == "steam" else a["algorithm"].lower()
        return {"type": "totp", "secret": b32(a), "period": a["period"], "digits": a["digits"], "username": a["name"], "algorithm": algorithm,
                "issuer": a["issuer"]} | more

    def field(text, kind="string"):
        return {"id": "Zg", "fieldType": kind, "value": text, "label": "x"}

    login = {"type": "basic-auth", "username": field("bob", "email"), "password": field("x", "concealed-string")}
    bare = totp(BOB)
    del bare["username"], bare["issuer"]
    padded = base64.b32encode(raw(ALICE)).decode()
    items = [
        {"id": "aWQx", "creationAt": 1705142400, "modifiedAt": 1705228800, "title": "ignored", "favorite": True, "tags": ["Work"],
         "scope": {"urls": ["https://x.example"], "androidApps": []}, "credentials": [login, totp(ALICE, secret=padded),
         {"type": "note", "content": field("a note")}, {"type": "passkey", "credentialId": "AQ", "rpId": "x.example", "username": "y", "key": "AQ"}]},
        {"id": "aWQy", "title": "ACME Co", "credentials": [bare, login]},
        {"id": "aWQz", "title": "x", "credentials": [totp(DAVE), totp(BOB, algorithm="sha3-256"), totp(BOB, secret="not base 32!")]},
        {"id": "aWQ0", "title": "No code", "credentials": [login]},
        {"id": "aWQ1", "title": "Own", "credentials": [{"type": "custom-fields", "id": "x", "fields": [field("words"), field(uri(CAROL), "concealed-string")]}]},
    ]
    one = {"id": "YWNj", "username": "jane", "email": "jane@example.com", "fullName": "Jane", "items": items, "collections": [
        {"id": "Y29s", "title": "Folder", "items": [{"item": "aWQx"}, {"item": "bm9uZQ"}], "subCollections": [
            {"id": "c3Vi", "title": "Deep", "items": [{"item": "aWQy", "account": "YWNj"}]}]}]}
    want = [but(ALICE, tags=["Folder", "Work", "favorite"], note="a note"), but(BOB, tags=["Deep"]), DAVE, CAROL]
    header = {"version": {"major": 1, "minor": 0}, "exporterRpId": "exporter.example.com", "exporterDisplayName": "Exporter app", "timestamp": 1705228800,
              "accounts": [one]}
    write("cxf", "export.json", header, want, skipped=2)
    write("cxf", "account.json", one, want, skipped=2)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("index.json", json.dumps(header))
        z.writestr("documents/photo.jpg", b"\xff\xd8")
    write("cxf", "export.zip", archive.getvalue(), want, skipped=2)

    records = [
        {"title": "x", "login": "y", "password": "p", "login_url": "", "notes": "a note", "$type": "login", "custom_fields": {"$oneTimeCode::1": uri(ALICE), "$text:1": "x"},
         "folders": [{"folder": "Work"}]},
        {"title": "ACME Co", "login": "bob", "custom_fields": {"TFC:Keeper": ["otpauth://totp/?secret=" + b32(BOB) + "&algorithm=SHA256&digits=8&period=60"]}},
        {"title": "No code", "login": "x"},
    ]
    write("keeper", "export.json", {"shared_folders": [], "records": records}, [but(ALICE, tags=["Work"], note="a note"), BOB])

    netwrix = f'"Organisationseinheit";"DataTags";"Beschreibung";"Benutzername";"Passwort";"Internetseite";"Informationen";"One-Time Passwort"\n"Dept";"";"ACME Co";"bob";"p";"u";"a note";"{b32(CAROL)}"\n'
    carol = account("totp", "ACME Co", "bob", raw(CAROL))
    write("csv", "netwrix.csv", netwrix, [but(carol, tags=["Dept"], note="a note")])
    write("csv", "roboform.csv", "\ufeffName,Url,MatchUrl,Login,Pwd,Note,Folder,RfFieldsV2\n"
          f'ACME Co,u,u,bob,p,a note,Work,"User ID$,,,txt,bob","TOTP KEY$,,,txt,{b32(CAROL)}"\nNone,u,u,x,p,,,"User ID$,,,txt,x"\n', [but(carol, tags=["Work"], note="a note")])
    write("csv", "roboform-column.csv", f"Name,Url,Login,Pwd,TOTP KEY$\nACME Co,u,bob,p,{b32(CAROL)}\n", [carol])
    write("csv", "zoho.csv", '\ufeff"Password Name","Description","Password URL","SecretData","Notes","CustomData","Tags","Classification","Favorite","login_totp"\n'
          f'ACME Co,,u,"SecretType:Web Account\nUser Name:bob\nPassword:p\n",,"",,P,0,otpauth://totp?secret={b32(CAROL)}\n', [carol])
    write("csv", "keeper-header.csv", 'Folder,Title,Login,Password,Website Address,Notes,Shared Folder,Custom Fields\n'
          f'Work,x,y,p,u,a note,,TFC:Keeper,{uri(ALICE)}\n,None,x,p,u,,\n', [but(ALICE, tags=["Work"], note="a note")])


if __name__ == "__main__":
    for make in (otpauth, google, aegis, andotp, twofas, stratum, proton, bitwarden, extension, smaller, managers, exchange):
        make()
