"""Writes codes.tsv: codes computed from the texts of RFC 4226, RFC 6238 and the
descriptions of Steam Guard, Mobile-OTP and Yandex Key with Python's standard library
only, to be compared with the ones of package otp.

    python3 codes.py > codes.tsv

Columns: type, secret (hex), PIN, algorithm, digits, period, instant or counter, code.
"""

import hashlib
import hmac
import random
import struct

STEAM = "23456789BCDFGHJKMNPQRTVWXY"


def truncate(secret, step, algorithm):
    mac = hmac.new(secret, struct.pack(">Q", step), algorithm.lower()).digest()
    start = mac[-1] & 15
    return struct.unpack(">I", mac[start : start + 4])[0] & 0x7FFFFFFF


def decimal(secret, step, algorithm, digits):
    return str(truncate(secret, step, algorithm) % 10**digits).zfill(digits)


def steam(secret, step, digits):
    value, code = truncate(secret, step, "SHA1"), ""
    for _ in range(digits):
        value, rest = divmod(value, 26)
        code += STEAM[rest]
    return code


def mobile(secret, pin, step, digits):
    return hashlib.md5(str(step).encode() + secret + pin).hexdigest()[:digits]


def yandex(secret, pin, step):
    key = hashlib.sha256(pin + secret[:16]).digest()
    mac = hmac.new(key[1:] if key[0] == 0 else key, struct.pack(">Q", step), "sha256").digest()
    start = mac[-1] & 15
    value = struct.unpack(">Q", mac[start : start + 8])[0] & 0x7FFFFFFFFFFFFFFF
    code = ""
    for _ in range(8):
        value, rest = divmod(value, 26)
        code = chr(97 + rest) + code
    return code


def main():
    dice = random.Random(6238)

    def row(*columns):
        print("\t".join(str(c) for c in columns))

    for digits in range(5, 11):
        for algorithm in ("SHA1", "SHA256", "SHA512"):
            for length in (1, 2, 3, 5, 7, 10, 16, 20, 32, 64, 65, 129, 200):
                secret = dice.randbytes(length)
                period = dice.choice((1, 10, 15, 30, 60, 90, 3600, 2**31 - 1))
                at = dice.choice((0, period - 1, period, dice.randrange(2**31), dice.randrange(2**36)))
                row("totp", secret.hex(), "", algorithm, digits, period, at, decimal(secret, at // period, algorithm, digits))
                counter = dice.choice((0, 1, dice.randrange(2**32), 2**63, 2**64 - 1))
                row("hotp", secret.hex(), "", algorithm, digits, 0, counter, decimal(secret, counter, algorithm, digits))
    for _ in range(20):
        secret, at = dice.randbytes(20), dice.randrange(2**33)
        row("steam", secret.hex(), "", "SHA1", 5, 30, at, steam(secret, at // 30, 5))
        secret, pin = dice.randbytes(8).hex().encode(), b"%04d" % dice.randrange(10000)
        row("motp", secret.hex(), pin.decode(), "MD5", 6, 10, at, mobile(secret, pin, at // 10, 6))
    # Enough of them that keys with a leading zero are among them.
    zeros = 0
    while zeros < 3:
        secret, at, pin = dice.randbytes(16), dice.randrange(2**33), b"%04d" % dice.randrange(10000)
        if hashlib.sha256(pin + secret).digest()[0] == 0:
            zeros += 1
        elif dice.randrange(40):
            continue
        secret += dice.randbytes(dice.choice((0, 10)))
        row("yandex", secret.hex(), pin.decode(), "SHA256", 8, 30, at, yandex(secret, pin, at // 30))


main()
