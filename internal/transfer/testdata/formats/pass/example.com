hunter2
login: alice
otpauth://totp/Example:alice%40example.com?secret=AD7YAYLC&issuer=Example&algorithm=SHA1&digits=6&period=30
