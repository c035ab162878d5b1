"""Writes the fixtures of the formats that are binary or databases, as make.py does for
those that are text. Everything in them is made up, and every encoder is written from
the descriptions of the formats, or is the program that others use.

    python3 make_sealed.py

Debian packages: python3 with cryptography 44 or newer, libsodium23, p7zip-full,
sqlcipher (3.4, whose files are what Authenticator Plus writes).
"""

import ctypes
import ctypes.util
import json
import os
import plistlib
import shutil
import sqlite3
import struct
import subprocess
import tempfile
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from make import (ALICE, BOB, CAROL, DAVE, DICE, EVE, HERE, IVAN, PHRASE, account, argon2id, b32, b64, but, cbc, gcm, hashes, hashlib, hmac, pbkdf2,
                  raw, uri, write)

SHA1 = hashes.SHA1()


def prefs(values):
    return "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<map>\n    <int name=\"key_version\" value=\"1\" />\n" + "".join(
        f'    <string name="{k}">{escape(v, {chr(34): "&quot;"})}</string>\n' for k, v in values.items()) + "</map>\n"


def zipped(name, content, *options):
    """An archive by 7z, with the passphrase."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, name), "w") as f:
            f.write(content)
        subprocess.run(["7z", "a", "-tzip", "-p" + PHRASE, *options, "out.zip", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "out.zip"), "rb") as f:
            return f.read()


def archives():
    lines = "".join(uri(a) + "\n" for a in (ALICE, BOB, CAROL)) * 4
    want = [ALICE, BOB, CAROL] * 4
    for name, options in {"aes256": ["-mem=AES256"], "aes128": ["-mem=AES128", "-mm=Copy"], "zipcrypto": ["-mem=ZipCrypto"],
                          "zipcrypto-stored": ["-mem=ZipCrypto", "-mm=Copy"]}.items():
        write("otpauth", f"accounts-{name}.zip", zipped("Accounts.txt", lines, *options), want, PHRASE)
    rows = [{"issuer": a["issuer"], "account": a["name"], "secret": b32(a), "algorithm": a["algorithm"], "digits": str(a["digits"]),
             "kind": a["type"].upper(), "timer": str(a["period"]), "counter": str(a["counter"]), "pinned": "false", "iconType": "", "iconValue": ""}
            for a in (ALICE, BOB, CAROL)]
    write("raivo", "export.zip", zipped("raivo-otp-export.json", json.dumps(rows), "-mem=AES256"), [ALICE, BOB, CAROL], PHRASE)


def database(name, statements, rows, tail=None):
    """A database by SQLite; with tail, rows that are still in its log."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        c = sqlite3.connect(path)
        if tail is not None:
            c.execute("pragma journal_mode=wal")
        c.executescript(statements)
        table = rows[0]
        c.executemany(table, rows[1])
        c.commit()
        wal = None
        if tail is not None:
            c.execute("pragma wal_checkpoint(truncate)").fetchall()
            c.executemany(table, tail)
            c.commit()
            with open(path + "-wal", "rb") as f:
                wal = f.read()
        with open(path, "rb") as f:
            data = f.read()
        c.close()
        return data, wal


def beside(fmt, name, data):
    path = os.path.join(HERE, fmt, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


STRATUM_TYPES = {"hotp": 1, "totp": 2, "motp": 3, "steam": 4, "yandex": 5}
STRATUM_HASHES = {"SHA1": 0, "SHA256": 1, "SHA512": 2, "MD5": 0}


def stratum_secret(a):
    return raw(a).decode() if a["type"] == "motp" else b32(a)


def stratum():
    accounts = [ALICE, BOB, CAROL, DAVE, EVE, IVAN]
    entries = [{"Type": STRATUM_TYPES[a["type"]], "Icon": None, "Issuer": a["issuer"], "Username": a["name"], "Secret": stratum_secret(a), "Pin": a["pin"],
                "Algorithm": STRATUM_HASHES[a["algorithm"]], "Digits": a["digits"], "Period": a["period"], "Counter": a["counter"], "Ranking": 0} for a in accounts]
    plain = json.dumps({"Authenticators": entries, "Categories": [{"Id": "00040bab", "Name": "Work", "Ranking": 0}],
                        "AuthenticatorCategories": [{"CategoryId": "00040bab", "AuthenticatorSecret": b32(ALICE), "Ranking": 0}], "CustomIcons": []}).encode()
    want = [but(ALICE, tags=["Work"])] + accounts[1:]
    salt, iv = DICE.randbytes(16), DICE.randbytes(12)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    write("stratum-encrypted", "strong.authpro", b"AUTHENTICATORPRO" + salt + iv + AESGCM(argon2id(salt, 3, 65536, 4)).encrypt(iv, plain, None), want, PHRASE)
    salt, iv = DICE.randbytes(20), DICE.randbytes(16)
    write("stratum-encrypted", "legacy.authpro", b"AuthenticatorPro" + salt + iv + cbc(pbkdf2(SHA1, salt, 64000), iv, plain), want, PHRASE)
    data, _ = database("authenticator.db3", """
        CREATE TABLE "authenticator" ("type" integer, "icon" varchar, "issuer" varchar(32), "username" varchar(40), "secret" varchar primary key not null,
            "pin" varchar, "algorithm" integer, "digits" integer, "period" integer, "counter" integer, "ranking" integer);
        CREATE TABLE "category" ("id" varchar(8) primary key not null, "name" varchar(32), "ranking" integer);
        CREATE TABLE "authenticatorcategory" ("categoryId" varchar, "authenticatorSecret" varchar, "ranking" integer);
        INSERT INTO category VALUES ('00040bab', 'Work', 0);
        INSERT INTO authenticatorcategory VALUES ('00040bab', '%s', 0);""" % b32(ALICE),
        ("INSERT INTO authenticator VALUES (?,NULL,?,?,?,?,?,?,?,?,0)",
         [(STRATUM_TYPES[a["type"]], a["issuer"], a["name"], stratum_secret(a), a["pin"] or None, STRATUM_HASHES[a["algorithm"]], a["digits"], a["period"],
           a["counter"]) for a in accounts]))
    write("stratum-encrypted", "authenticator.db3", data, want)


def ente():
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    plain = "".join(json.dumps(uri(a)) + "\n" for a in (ALICE, BOB, CAROL)).encode()
    for name, tag in {"export.txt": 3, "message.txt": 0}.items():
        salt = DICE.randbytes(16)
        key = argon2id(salt, 2, 1024)
        state, header = ctypes.create_string_buffer(52), ctypes.create_string_buffer(24)
        assert sodium.crypto_secretstream_xchacha20poly1305_init_push(state, header, key) == 0
        out = ctypes.create_string_buffer(len(plain) + 17)
        assert sodium.crypto_secretstream_xchacha20poly1305_push(state, out, None, plain, ctypes.c_ulonglong(len(plain)), None, ctypes.c_ulonglong(0),
                                                                 ctypes.c_ubyte(tag)) == 0
        write("ente-encrypted", name, {"version": 1, "kdfParams": {"memLimit": 1 << 20, "opsLimit": 2, "salt": b64(salt)},
                                       "encryptedData": b64(out.raw), "encryptionNonce": b64(header.raw)}, [ALICE, BOB, CAROL], PHRASE)


def java(pairs, android):
    """A serialized java.util.HashMap; Android's of old had one field less."""
    handles = {}

    def text(s):
        if s in handles:
            return b"\x71" + struct.pack(">I", handles[s])
        handles[s] = 0x7E0002 + len(handles)
        data = s.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        out = b""
        for unit in struct.unpack("<%dH" % (len(s.encode("utf-16-le")) // 2), s.encode("utf-16-le")):
            if unit and unit < 0x80:
                out += bytes([unit])
            elif unit < 0x800:
                out += bytes([0xC0 | unit >> 6, 0x80 | unit & 0x3F])
            else:
                out += bytes([0xE0 | unit >> 12, 0x80 | unit >> 6 & 0x3F, 0x80 | unit & 0x3F])
        assert data == s
        return (b"\x74" + struct.pack(">H", len(out)) if len(out) < 1 << 16 else b"\x7c" + struct.pack(">Q", len(out))) + out

    fields = [b"F\x00\x0aloadFactor"] + ([] if android else [b"I\x00\x09threshold"])
    out = b"\xac\xed\x00\x05\x73\x72\x00\x11java.util.HashMap" + bytes.fromhex("0507dac1c31660d1") + b"\x03" + struct.pack(">H", len(fields)) + b"".join(fields)
    out += b"\x78\x70" + struct.pack(">f", 0.75) + (b"" if android else struct.pack(">I", 12)) + b"\x77\x08" + struct.pack(">II", 16, len(pairs))
    for k, v in pairs:
        out += text(k) + text(v)
    return out + b"\x78"


def freeotp2():
    def signed(b):
        return [x - 256 if x > 127 else x for x in b]

    def sealed(key, plain, token, sequence):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        nonce = DICE.randbytes(12)
        parameters = b"\x04\x0c" + nonce
        if sequence:
            parameters = b"\x30\x11" + parameters + b"\x02\x01\x10"
        return {"mCipher": "AES/GCM/NoPadding", "mCipherText": signed(AESGCM(key).encrypt(nonce, plain, token.encode())),
                "mParameters": signed(parameters), "mToken": token}

    for name, algorithm, function, android in (("android6.xml", "PBKDF2withHmacSHA1", hashes.SHA1(), True), ("android8.xml", "PBKDF2withHmacSHA512", hashes.SHA512(), False)):
        salt, master = DICE.randbytes(32), DICE.randbytes(32)
        pairs = [("note", "x" * 70000), ("again", "note")]
        pairs += [("masterKey", json.dumps({"mAlgorithm": algorithm, "mIterations": 1000, "mSalt": signed(salt),
                                            "mEncryptedKey": sealed(pbkdf2(function, salt, 1000), master, "AES", not android)}))]
        accounts = [but(ALICE, name="alicé 🔑"), BOB, CAROL]
        for i, a in enumerate(accounts):
            token = {"algo": a["algorithm"], "digits": a["digits"], "issuerExt": a["issuer"], "issuerInt": a["issuer"], "label": a["name"], "type": a["type"].upper()}
            token["counter" if a["type"] == "hotp" else "period"] = a["counter"] if a["type"] == "hotp" else a["period"]
            if a["algorithm"] == "SHA1" and a["digits"] == 6:
                del token["algo"], token["digits"]
            pairs += [(f"0f88595a-000{i}", json.dumps({"key": json.dumps(sealed(master, raw(a), "HmacSHA1", not android))})),
                      (f"0f88595a-000{i}-token", json.dumps(token, ensure_ascii=False))]
        pairs += [("lost-token", json.dumps({"label": "no secret", "type": "TOTP"}))]
        write("freeotp2", name, java(pairs, android), accounts, PHRASE)


def kdbx():
    folder = os.path.join(os.path.dirname(HERE), "..", "kdbx", "testdata")
    gold = b"12345678901234567890"
    hello = bytes.fromhex("48656c6c6f21deadbeef")
    want = [account("totp", "GitHub", "alice@example.com", hello), account("totp", "Bank", "bob", gold, digits=8, tags=["Work & Co"]),
            account("steam", "Tray", "carol", hello, digits=5, tags=["Work & Co/Deep"]), account("totp", "Last", "dave", hello, digits=8)]
    for name in ("v3-aes-salsa20-gzip.kdbx", "v4-argon2id-twofish-chacha20-gzip.kdbx"):
        with open(os.path.join(folder, name), "rb") as f:
            write("kdbx", name, f.read(), want, "Correct Horse é")


def google_row(a, encrypted=0):
    return (f"{a['issuer']}:{a['name']}", b32(a), a["counter"], int(a["type"] == "hotp"), a["issuer"], f"{a['issuer']}:{a['name']}", encrypted)


def google():
    create = """CREATE TABLE android_metadata (locale TEXT);
        CREATE TABLE accounts (_id INTEGER PRIMARY KEY, email TEXT NOT NULL, secret TEXT NOT NULL, counter INTEGER DEFAULT 0, type INTEGER,
            provider INTEGER DEFAULT 0, issuer TEXT DEFAULT NULL, original_name TEXT DEFAULT NULL, isencrypted INTEGER DEFAULT 0);"""
    insert = "INSERT INTO accounts(email,secret,counter,type,issuer,original_name,isencrypted) VALUES (?,?,?,?,?,?,?)"
    plain = [ALICE, CAROL, account("totp", "ACME Co", "bob", raw(BOB))]
    data, _ = database("databases", create, (insert, [google_row(a) for a in plain] + [google_row(ALICE, 1), ("x", "not base32!", 0, 0, None, None, 0)]))
    write("google-db", "databases", data, plain, skipped=2)
    data, wal = database("databases", create, (insert, [google_row(ALICE)]), [google_row(CAROL)])
    write("google-db", "running", data, [ALICE, CAROL])
    beside("google-db", "running-wal", wal)


def microsoft():
    create = """CREATE TABLE accounts (_id INTEGER PRIMARY KEY AUTOINCREMENT, group_key TEXT NOT NULL, name TEXT NOT NULL, username TEXT NOT NULL,
        oath_secret_key TEXT NOT NULL, oath_enabled INTEGER NOT NULL, account_type INTEGER NOT NULL, encrypted_oath_secret_key TEXT NOT NULL)"""
    insert = "INSERT INTO accounts(group_key,name,username,oath_secret_key,oath_enabled,account_type,encrypted_oath_secret_key) VALUES ('0',?,?,?,1,?,?)"
    personal = account("totp", "Microsoft", "me@outlook.com", raw(CAROL), digits=8)
    work = account("totp", "Contoso", "me@contoso.com", raw(CAROL))
    rows = [("Example", "alice@example.com", b32(ALICE).lower(), 0, ""), ("Microsoft", "me@outlook.com", b64(raw(CAROL)), 1, ""),
            ("Contoso", "me@contoso.com", b64(raw(CAROL)), 2, ""), ("Contoso", "push only", "", 2, ""), ("Fabrikam", "in the keystore", "", 0, "c2VhbGVk"),
            ("Odd", "type", "JBSWY3DP", 9, "")]
    data, _ = database("PhoneFactor", create, (insert, rows))
    write("microsoft", "PhoneFactor", data, [ALICE, personal, work], skipped=3, warnings=1)
    data, wal = database("PhoneFactor", create, (insert, rows[:1]), rows[1:2])
    write("microsoft", "Running", data, [ALICE, personal])
    beside("microsoft", "Running-wal", wal)


def plus():
    blizzard = account("totp", "Battle.net", "US-1234", raw(CAROL), digits=8, tags=["Games"])
    rows = [google_row(a)[:6] + ("",) for a in (ALICE, CAROL)] + [("Battle.net:US-1234", raw(CAROL).hex(), 0, 2, "Battle.net", "", "Games")]
    create = "CREATE TABLE accounts (_id INTEGER PRIMARY KEY, email TEXT, secret TEXT, counter INTEGER, type INTEGER, issuer TEXT, original_name TEXT, category TEXT);"
    data, _ = database("authplus.db", create, ("INSERT INTO accounts(email,secret,counter,type,issuer,original_name,category) VALUES (?,?,?,?,?,?,?)", rows))
    write("authenticator-plus", "plain.db", data, [ALICE, CAROL, blizzard])
    with tempfile.TemporaryDirectory() as folder:
        values = ";".join("INSERT INTO accounts(email,secret,counter,type,issuer,original_name,category) VALUES (%s)" % ",".join(
            str(v) if isinstance(v, int) else "'" + v + "'" for v in r) for r in rows)
        path = os.path.join(folder, "authplus.db")
        subprocess.run(["sqlcipher", path], input=f"pragma key='{PHRASE}';{create}{values};", text=True, check=True)
        with open(path, "rb") as f:
            write("authenticator-plus", "authplus.db", f.read(), [ALICE, CAROL, blizzard], PHRASE)


def authy():
    def token(a, sealed, **more):
        t = {"accountType": "authenticator", "digits": a["digits"], "name": f"{a['issuer']}: {a['name']}", "originalIssuer": a["issuer"],
             "originalName": f"{a['issuer']}:{a['name']}", **more}
        if not sealed:
            return {**t, "decryptedSecret": b32(a)}
        salt = "Salt%dText" % DICE.randrange(10**9)
        rounds = more.get("key_derivation_iterations", 1000)
        return {**t, "salt": salt, "encryptedSecret": b64(cbc(pbkdf2(SHA1, salt.encode(), rounds), bytes(16), b32(a).encode()))}

    accounts = [ALICE, account("totp", "ACME Co", "bob", raw(BOB), digits=7)]
    key = "com.authy.storage.tokens.authenticator.key"
    write("authy", "plain.xml", prefs({key: json.dumps([token(a, False) for a in accounts] + [token(ALICE, False, digits=0)])}), accounts, skipped=1)
    write("authy", "sealed.xml", prefs({key: json.dumps([token(ALICE, True), token(accounts[1], True, key_derivation_iterations=2000)])}), accounts, PHRASE)
    own = account("totp", "Humble Bundle", "Humble Bundle", raw(CAROL), digits=7, period=10)
    write("authy", "own.xml", prefs({"com.authy.storage.tokens.authy.key": json.dumps([{"name": "Humble Bundle", "secretSeed": raw(CAROL).hex(), "digits": 7, "accountType": "Humble Bundle"}])}),
          [own])
    dump = [{"name": a["name"], "original_name": f"{a['issuer']}:{a['name']}", "account_type": "authenticator", "digits": a["digits"], "key_derivation_iterations": 1000,
             "salt": t["salt"], "encrypted_seed": t["encryptedSecret"]} for a, t in ((a, token(a, True)) for a in accounts)]
    console = [{"name": f"{a['issuer']}: {a['name']}", "secret": b32(a), "uri": uri(a)} for a in accounts]
    write("authy", "console.json", console + [{"name": "No URI: x", "secret": b32(ALICE), "uri": ""}], accounts + [but(ALICE, issuer="No URI", name="x")])
    write("authy", "dump.json", {"authenticator_tokens": dump, "message": "success"}, accounts, PHRASE)


def totp_authenticator():
    def rows(accounts):
        return [{"name": a["name"], "issuer": a["issuer"], "key": k, "base": b, "digits": str(a["digits"]), "period": str(a["period"]) if a["period"] != 30 else ""}
                for a, (k, b) in zip(accounts, ((raw(ALICE).hex().upper(), 16), (b64(raw(BOB)), 64), (b32(CAROL), 32)))]

    accounts = [ALICE, account("totp", "ACME Co", "bob", raw(BOB), digits=8, period=60), account("totp", "", "carol", raw(CAROL))]
    listed = rows(accounts)
    listed[2]["issuer"] = "Unknown"
    plain = json.dumps({json.dumps(listed): ""}).encode()
    for name, phrase in {"backup.txt": PHRASE, "default.txt": None}.items():
        key = hashlib.sha256((phrase or "TotpAuthenticator").encode()).digest()
        write("totp-authenticator", name, b64(cbc(key, bytes(16), plain)), accounts, phrase)
    write("totp-authenticator", "prefs.xml", prefs({"STATIC_TOTP_CODES_LIST": json.dumps(listed)}), accounts)


def battlenet():
    mask = bytes.fromhex("398e27fc50276a656065b0e525f4c06c04c61075286b8e7aeda59da9813b5dd6c80d2fb38068773fa59ba47c17ca6c6479015c1d5b8b8f6b9a")
    serial, secret = "EU-1234-5678-9012", raw(CAROL).hex()

    def hide(text):
        return bytes(a ^ b for a, b in zip(text.encode(), mask)).hex()

    want = [account("totp", "Battle.net", serial, raw(CAROL), digits=8)]
    name = "com.blizzard.messenger.AUTHENTICATOR_"
    write("battlenet", "messenger.xml", prefs({name + "SERIAL": hide(serial), name + "DEVICE_SECRET": hide(secret)}), want)
    write("battlenet", "old.xml", prefs({"com.blizzard.bma.AUTH_STORE.HASH": hide(secret + serial)}), want)


class Archiver:
    """NSKeyedArchiver: a table of objects that refer to each other."""

    def __init__(self, root):
        self.objects = ["$null"]
        top = self.add(root)
        self.data = plistlib.dumps({"$version": 100000, "$archiver": "NSKeyedArchiver", "$top": {"root": top}, "$objects": self.objects},
                                   fmt=plistlib.FMT_BINARY, sort_keys=False)

    def put(self, o):
        self.objects.append(o)
        return plistlib.UID(len(self.objects) - 1)

    def add(self, v):
        if isinstance(v, bytes):
            return self.put({"NS.data": v, "$class": self.cls("NSMutableData")})
        if isinstance(v, tuple):  # an object of a class of the app
            name, members = v
            return self.put({**{k: m if isinstance(m, int) else self.add(m) for k, m in members.items()}, "$class": self.cls(name)})
        if isinstance(v, dict):
            return self.put({"NS.keys": [self.add(k) for k in v], "NS.objects": [self.add(x) for x in v.values()], "$class": self.cls("NSDictionary")})
        if isinstance(v, list):
            return self.put({"NS.objects": [self.add(x) for x in v], "$class": self.cls("NSArray")})
        if isinstance(v, str) and len(v) > 12:
            return self.put({"NS.string": v, "$class": self.cls("NSMutableString")})
        return self.put(v)

    def cls(self, name):
        return self.put({"$classname": name, "$classes": [name, "NSObject"]})


def otpauth_ios():
    def members(a):
        return {"label": a["name"], "issuer": a["issuer"], "secret": raw(a), "type": {"hotp": 1, "totp": 2}[a["type"]],
                "algorithm": {"SHA1": 0, "SHA256": 2, "SHA512": 3}[a["algorithm"]], "digits": a["digits"] if a["digits"] != 6 else 0, "counter": a["counter"],
                "period": a["period"] if a["period"] != 30 else 0}

    def wrap(word, content):
        return cbc(hashlib.sha256(word).digest(), bytes(16), Archiver(content).data)

    def old(plain, iv):
        salt = "a salt of thirty-two characters!"
        key = hashlib.sha256((salt + "-" + PHRASE).encode()).digest()
        return salt, cbc(key, hashlib.sha1(iv).digest()[:16], plain)

    def rncryptor(plain):
        salts, iv = DICE.randbytes(16), DICE.randbytes(16)
        body = b"\x03\x01" + salts + iv + cbc(pbkdf2(SHA1, salts[:8], 10000), iv, plain)
        h = hmac.HMAC(pbkdf2(SHA1, salts[8:], 10000), hashes.SHA256())
        h.update(body)
        return body + h.finalize()

    single = Archiver(members(but(ALICE, issuer="Exämple"))).data
    folders = Archiver({"Folders": [("ACOTPFolder", {"name": "Accounts", "accounts": [("ACOTPAccount", members(ALICE)), ("ACOTPAccount", members(BOB))]}),
                                    ("ACOTPFolder", {"name": "Work", "accounts": [("ACOTPAccount", members(CAROL)), ("ACOTPAccount", {**members(ALICE), "algorithm": 4})]})]}).data
    all_of_them = [but(ALICE, tags=["Accounts"]), but(BOB, tags=["Accounts"]), but(CAROL, tags=["Work"])]
    salt, data = old(single, b"\x80iv bytes")
    write("otpauth-ios", "account-1.1.otpauth", wrap(b"OTPAuth", {"Data": data, "Version": 1.1, "Salt": salt, "IV": b"\x80iv bytes"}), [but(ALICE, issuer="Exämple")], PHRASE)
    write("otpauth-ios", "account-1.2.otpauth", wrap(b"OTPAuth", {"Version": 1.2, "Data": rncryptor(single)}), [but(ALICE, issuer="Exämple")], PHRASE)
    salt, data = old(folders, b"iv text")
    write("otpauth-ios", "backup-1.0.otpauthdb", wrap(b"Authenticator", {"WrappedData": data, "Version": 1.0, "Salt": salt, "IV": "iv text"}), all_of_them, PHRASE, skipped=1)
    write("otpauth-ios", "backup-1.1.otpauthdb", wrap(b"Authenticator", {"Version": 1.1, "WrappedData": rncryptor(folders)}), all_of_them, PHRASE, skipped=1)


def steam():
    plain = json.dumps({"shared_secret": b64(raw(DAVE)), "account_name": "dave", "serial_number": "1", "Session": None}).encode()

    def one(name, entry, data):
        write("steam", name, b64(data), [DAVE], PHRASE)
        beside("steam", f"{name}.with/manifest.json", json.dumps({"encrypted": True, "first_run": True, "entries": [{"filename": "other.maFile", "steamid": 2, "steam_id": 2}, entry]}).encode())

    salt, iv = DICE.randbytes(8), DICE.randbytes(16)
    one("sda.maFile", {"filename": "sda.maFile", "steamid": 1, "encryption_iv": b64(iv), "encryption_salt": b64(salt)}, cbc(pbkdf2(SHA1, salt, 50000), iv, plain))
    seal = {"scheme": "LegacySdaCompatible", "iv": b64(iv), "salt": b64(salt)}
    one("legacy.maFile", {"filename": "legacy.maFile", "steam_id": 1, "account_name": "dave", "encryption": seal}, cbc(pbkdf2(SHA1, salt, 50000), iv, plain))
    salt, iv = DICE.randbytes(16), DICE.randbytes(16)
    seal = {"scheme": "Argon2idAes256", "iv": b64(iv), "salt": b64(salt)}
    one("argon2.maFile", {"filename": "argon2.maFile", "steam_id": 1, "account_name": "dave", "encryption": seal}, cbc(argon2id(salt, 3, 62500, 4), iv, plain))


if __name__ == "__main__":
    for make in (archives, stratum, ente, freeotp2, kdbx, google, microsoft, plus, authy, totp_authenticator, battlenet, otpauth_ios, steam):
        make()
