package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/authcli/auth/internal/clip/cliptest"
	"github.com/authcli/auth/internal/testenv"
)

// The recipes of docs/scripts.md, run as they stand there with the programs that they are for. Servers are real ones
// where Debian has them.

// A kitchen is a home folder with the recipes in its bin, and an account for them.
type kitchen struct {
	*device

	home string
}

var recipeBlock = regexp.MustCompile("Save as `~/bin/([a-z.-]+)`:\n\n```[a-z]+\n((?s:.*?))```")

// recipes returns the recipes of the page by their names.
func recipes(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, block := range recipeBlock.FindAllStringSubmatch(string(read(t, filepath.Join(root, "docs", "scripts.md"))), -1) {
		found[block[1]] = block[2]
	}
	return found
}

// newKitchen returns one whose accounts have the secret of RFC 6238.
func newKitchen(t *testing.T, labels ...string) *kitchen {
	t.Helper()
	k := &kitchen{newDevice(t, nil), cliptest.TempDir(t)}
	bin := filepath.Join(k.home, "bin")
	for name, text := range recipes(t) {
		k.write("bin/"+name, text, 0o755)
	}
	// What needs the rights of an administrator is run with those of the test.
	k.write("bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755)
	k.write(".config/vpn/password", "the password\n", 0o600)
	k.write(".config/git-password", "the password\n", 0o600)
	k.env = append(cliptest.Without(k.env), "HOME="+k.home, "USER=alice", "PATH="+bin+":"+os.Getenv("PATH"), "XDG_RUNTIME_DIR="+k.home)
	for _, label := range labels {
		k.add(label)
	}
	return k
}

// atExample sets the clock to 40 seconds after 1970, when the code is that of the first vector of RFC 6238, appendix B.
func (k *kitchen) atExample() { k.env = append(k.env, "TEST_NOW=1970-01-01T00:00:40Z") }

func (k *kitchen) write(name, text string, mode os.FileMode) string {
	k.t.Helper()
	path := filepath.Join(k.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		k.t.Fatal(err)
	}
	if mode&0o111 != 0 {
		testenv.Executable(k.t, path, text)
	} else if err := os.WriteFile(path, []byte(text), mode); err != nil {
		k.t.Fatal(err)
	}
	return path
}

// sh runs a shell command in the home folder. It has no terminal.
func (k *kitchen) sh(line string) ran {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = k.home, k.env, &out, &errs, time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		k.t.Fatalf("%s: %v\n%s", line, err, &errs)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// types runs a shell command on a terminal, and types an answer once it is asked for: again and again, since a program
// may throw away what was typed before it listens. It returns what is on the terminal.
func (k *kitchen) types(line, question, answer string) string {
	k.t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.Dir, cmd.Env = k.home, k.env
	terminal, err := pty.Start(cmd) // in a session of its own
	if err != nil {
		k.t.Fatal(err)
	}
	defer terminal.Close()
	watch := time.AfterFunc(2*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer watch.Stop()
	asked, ended := make(chan struct{}), make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-asked:
		case <-ended:
			return
		}
		for {
			_, _ = terminal.WriteString(answer)
			select {
			case <-ended:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	var seen strings.Builder
	for buf, heard := make([]byte, 4096), false; ; {
		n, err := terminal.Read(buf)
		seen.Write(buf[:n])
		if !heard && strings.Contains(seen.String(), question) {
			heard = true
			close(asked)
		}
		if err != nil { // the program has ended
			_ = cmd.Wait()
			return seen.String()
		}
	}
}

// does runs a shell command, which must succeed and print want.
func (k *kitchen) does(line, want string) {
	k.t.Helper()
	if r := k.sh(line); r.code != 0 || r.stdout != want {
		k.t.Errorf("%s: %+v, want %q", line, r, want)
	}
}

// serve starts a server and waits until ready says so.
func (k *kitchen) serve(ready func() bool, name string, args ...string) {
	k.t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = k.env, &said, &said, time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	k.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		if k.t.Failed() {
			k.t.Logf("%s:\n%s", name, &said)
		}
	})
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			k.t.Fatalf("%s ended:\n%s", name, &said)
		default:
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("%s is not ready", name)
		}
	}
}

// listens reports whether a server answers at a port of this machine.
func listens(port int) func() bool {
	return func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
}

// freePort returns a port that nobody listens at, and that the kernel gives to nobody who
// asks for any: until the server has it, another test may.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + mathrand.IntN(12000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// exampleHex is the secret of RFC 6238 as servers with liboath store it.
func exampleHex(t *testing.T) string {
	t.Helper()
	secret, err := base32.StdEncoding.DecodeString(exampleSecret)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(secret)
}

func TestRecipes(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){
		"code-or-why": recipeErrors, "aws-mfa": recipeAWS, "ssh-code": recipeSSH, "vpn-openconnect": recipeOpenConnect,
		"vpn-openvpn": recipeOpenVPN, "with-code": recipeExpect, "code-fzf": recipeFzf, "code-menu": recipeMenu,
		"code.yml": recipeAnsible, "git-credential-code": recipeGit,
	}
	written, tested := slices.Sorted(maps.Keys(recipes(t))), slices.Sorted(maps.Keys(tests))
	if !slices.Equal(written, tested) {
		t.Errorf("docs/scripts.md has %v, tested are %v", written, tested)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

func recipeErrors(t *testing.T) {
	testenv.Program(t, "jq", "jq")
	k := newKitchen(t, "GitHub:alice", "GitHub:bob")
	k.atExample()
	k.does("code-or-why GitHub:alice", exampleCode)
	if r := k.sh("code-or-why github"); r.code != 4 || r.stdout != "" || r.stderr != "2 accounts match \"github\"\n" {
		t.Errorf("%+v", r)
	}
	if r := k.sh("code-or-why nobody"); r.code != 3 || r.stderr != "no such account: \"nobody\"\n" {
		t.Errorf("%+v", r)
	}
}

// An aws that reads what "aws sts get-session-token help" says: --serial-number, --token-code, --output json; and answers
// in the form that it shows. It takes each code once, as STS does.
const standInAWS = `#!/bin/sh
[ "$1 $2" = "sts get-session-token" ] || exit 2
shift 2
while [ $# -gt 0 ]; do
  case $1 in
  --profile) profile=$2 ;;
  --serial-number) serial=$2 ;;
  --token-code) code=$2 ;;
  --output) output=$2 ;;
  *) exit 2 ;;
  esac
  shift 2
done
[ "$profile $serial $output" = "long-term arn:aws:iam::123456789012:mfa/alice json" ] || exit 2
[ "$code" = 287082 ] && mkdir "$HOME/used" || { echo "MultiFactorAuthentication failed with invalid MFA one time pass code" >&2; exit 254; }
echo '{"Credentials": {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "x", "SessionToken": "y", "Expiration": "'"$EXPIRES"'"}}'
`

func recipeAWS(t *testing.T) {
	testenv.Program(t, "jq", "jq")
	k := newKitchen(t, "aws")
	k.atExample()
	k.write("bin/aws", standInAWS, 0o755)
	const line = "aws-mfa arn:aws:iam::123456789012:mfa/alice long-term"
	k.env = append(k.env, "EXPIRES=2199-01-02T03:04:05+00:00")
	// What credential_process has to print: the AWS SDKs and Tools Reference Guide, "Process credential provider".
	for range 2 { // the second time without a new code
		r := k.sh(line)
		var got map[string]any
		if err := json.Unmarshal([]byte(r.stdout), &got); r.code != 0 || err != nil {
			t.Fatalf("%+v, %v", r, err)
		}
		want := map[string]any{"Version": 1.0, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "x", "SessionToken": "y", "Expiration": "2199-01-02T03:04:05+00:00"}
		if !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if info, err := os.Stat(filepath.Join(k.home, "aws-mfa-long-term.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("what is kept: %v, %v", info, err)
	}
	// A session that has ended is no longer given, and a code that counts no more is an error.
	k.write("aws-mfa-long-term.json", `{"Expiration": "2001-01-02T03:04:05+00:00"}`, 0o600)
	if r := k.sh(line); r.code == 0 || r.stdout != "" {
		t.Errorf("after the end: %+v", r)
	}
	t.Run("real", recipeRealAWS)
}

// The real aws, with the configuration of the page and a server in the place of STS. Debian's is older than the variable
// that names the server.
func recipeRealAWS(t *testing.T) {
	out, _ := exec.Command("aws", "--version").Output()
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "aws-cli/%d.%d", &major, &minor); err != nil || major == 1 && minor < 29 || major == 2 && minor < 13 {
		t.Skip("needs the AWS command line, 1.29 or 2.13, or later")
	}
	k := newKitchen(t, "aws")
	k.atExample()
	var asked []string
	const end = "2199-01-02T03:04:05Z"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.FormValue("Action")
		_, signer, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		signer, _, _ = strings.Cut(signer, "/")
		asked = append(asked, action+" "+signer+" "+r.FormValue("SerialNumber")+" "+r.FormValue("TokenCode"))
		result := "<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/alice</Arn><UserId>alice</UserId>"
		if action == "GetSessionToken" {
			result = "<Credentials><AccessKeyId>AKIDSESSION</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken><Expiration>" + end + "</Expiration></Credentials>"
		}
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>`, action, result)
	}))
	defer server.Close()
	page := string(read(t, filepath.Join(root, "docs", "scripts.md")))
	profile := regexp.MustCompile(`(?s)\[profile mfa\].*?\n` + "```").FindString(page)
	profile = strings.ReplaceAll(strings.TrimSuffix(profile, "```"), "/home/alice", k.home)
	k.write(".aws/config", profile+"\n[profile long-term]\naws_access_key_id = AKIDLONG\naws_secret_access_key = z\n", 0o600)
	k.env = append(k.env, "AWS_ENDPOINT_URL_STS="+server.URL, "AWS_DEFAULT_REGION=us-east-1", "AWS_CONFIG_FILE="+filepath.Join(k.home, ".aws/config"))
	for range 2 {
		k.does("aws sts get-caller-identity --profile mfa --query Account --output text", "123456789012\n")
	}
	want := []string{
		"GetSessionToken AKIDLONG arn:aws:iam::123456789012:mfa/alice " + strings.TrimSpace(exampleCode),
		"GetCallerIdentity AKIDSESSION  ", "GetCallerIdentity AKIDSESSION  ",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("the server was asked %q, want %q", asked, want)
	}
}

// sshd starts an SSH server that asks for nothing but a one-time code, by pam_oath. It gets a folder pam.d of its own, in
// a name space where that is all of /etc/pam.d. It returns the command that logs in.
func (k *kitchen) sshd() string {
	t := k.t
	server := "/usr/sbin/sshd"
	if _, err := os.Stat(server); err != nil {
		testenv.Missing(t, "sshd", "needs the Debian package openssh-server")
	}
	if modules, err := filepath.Glob("/lib/*/security/pam_oath.so"); err != nil || len(modules) == 0 {
		testenv.Missing(t, "sshd", "needs the Debian package libpam-oath")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		testenv.Missing(t, "mount", fmt.Sprintf("needs the right to mount a file system: %v: %s", err, out))
	}
	me, err := os.UserHomeDir() // any user would do; this one exists
	if err != nil || os.Getuid() != 0 {
		testenv.Missing(t, "mount", "needs to be root: "+me)
	}
	port := freePort(k.t.(*testing.T))
	secret := exampleHex(k.t.(*testing.T))
	users := k.write("users.oath", "HOTP/T30/6 root - "+secret+"\n", 0o600)
	k.write("pam.d/sshd", "auth required pam_oath.so usersfile="+users+" window=50 digits=6\naccount required pam_permit.so\nsession required pam_permit.so\n", 0o644)
	hostKey := filepath.Join(k.home, "hostkey")
	if out, err := exec.Command(testenv.Program(t, "ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", hostKey).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	config := k.write("sshd_config", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s\nUsePAM yes\nAuthenticationMethods keyboard-interactive\n"+
		"KbdInteractiveAuthentication yes\nPermitRootLogin yes\nPidFile none\n", port, hostKey), 0o600)
	k.serve(listens(port), "unshare", "--mount", "--propagation", "private", "sh", "-c",
		`mount --bind "$1/pam.d" /etc/pam.d && mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$2" -D -e -f "$3"`, "sh", k.home, server, config)
	public := strings.Fields(string(read(t, hostKey+".pub")))
	known := k.write("known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s %s\n", port, public[0], public[1]), 0o600)
	return fmt.Sprintf("ssh -F none -o UserKnownHostsFile=%s -o NumberOfPasswordPrompts=1 -p %d root@127.0.0.1", known, port)
}

func recipeSSH(t *testing.T) {
	k := newKitchen(t, "server")
	ssh := "SSH_ASKPASS=$HOME/bin/ssh-code SSH_ASKPASS_REQUIRE=force " + k.sshd()
	k.does(ssh+" echo in", "in\n")
	// The same code again is refused, so it was the code that opened the door.
	if r := k.sh("TEST_NOW=1970-01-01T00:00:40Z " + ssh + " echo in"); r.code != 255 || !strings.Contains(r.stderr, "Permission denied") {
		t.Errorf("an old code: %+v", r)
	}
	// No answer to a question about the key of a host that is not known.
	if r := k.sh(strings.Replace(ssh, "known_hosts", "nothing", 1) + " -o StrictHostKeyChecking=ask echo in"); r.code != 255 || !strings.Contains(r.stderr, "ssh-code: no answer to: ") {
		t.Errorf("an unknown host: %+v", r)
	}
}

func recipeExpect(t *testing.T) {
	testenv.Program(t, "expect", "expect")
	k := newKitchen(t, "server")
	ssh := k.sshd()
	if r := k.sh("with-code " + ssh + " 'echo in; exit 7' </dev/null"); r.code != 7 || !strings.Contains(r.stdout, "\nin\r\n") {
		t.Errorf("%+v", r)
	}
	// On a terminal the program has it again, once the code is given. That is not the code of the run before, which counts once.
	k.write("users.oath", "HOTP/T30/6 root - "+exampleHex(t)+"\n", 0o600)
	seen := k.types("with-code "+ssh+" 'echo your name; read name; echo hello $name'", "your name", "alice\n")
	if !strings.Contains(seen, "hello alice") {
		t.Errorf("on a terminal: %q", seen)
	}
	if r := k.sh("with-code true"); r.code != 0 {
		t.Errorf("a program that asks nothing: %+v", r)
	}
	// Without an account there is no answer, and the program does not get an empty one.
	k.must("", "remove", "server", "--yes")
	if r := k.sh("with-code " + ssh + " echo in"); r.code == 0 || !strings.Contains(r.stderr, "no such account") {
		t.Errorf("%+v", r)
	}
}

// certificate writes a certificate for localhost and its key. pin is what openconnect calls it.
func (k *kitchen) certificate() (cert, key, pin string) {
	k.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		k.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		k.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		k.t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		k.t.Fatal(err)
	}
	sum := sha256.Sum256(public)
	cert = k.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o600)
	key = k.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), 0o600)
	return cert, key, "pin-sha256:" + base64.StdEncoding.EncodeToString(sum[:])
}

// ocserv asks for the password and then for a code, and openconnect gets its cookie.
func recipeOpenConnect(t *testing.T) {
	testenv.Program(t, "openconnect", "openconnect")
	server := testenv.Program(t, "ocserv", "ocserv")
	k := newKitchen(t, "vpn")
	cert, key, pin := k.certificate()
	port := freePort(t)
	users := k.write("users.oath", "HOTP/T30/6 alice - "+exampleHex(t)+"\n", 0o600)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	k.does("printf 'the password\nthe password\n' | ocpasswd -c passwd alice 2>/dev/null >/dev/null", "")
	config := k.write("ocserv.conf", fmt.Sprintf("auth = \"plain[passwd=%s/passwd,otp=%s]\"\ntcp-port = %d\nlisten-host = 127.0.0.1\nrun-as-user = %s\nrun-as-group = %s\n"+
		"socket-file = %s/socket\nserver-cert = %s\nserver-key = %s\ndevice = vpns\nipv4-network = 192.168.99.0/24\nmax-ban-score = 0\n",
		k.home, users, port, me.Username, group.Name, k.home, cert, key), 0o600)
	k.serve(listens(port), server, "--foreground", "--config", config, "--pid-file", filepath.Join(k.home, "pid"))
	line := fmt.Sprintf("vpn-openconnect https://127.0.0.1:%d --authenticate --servercert %s", port, pin)
	if r := k.sh(line); r.code != 0 || !strings.Contains(r.stdout, "COOKIE=") {
		t.Errorf("%+v", r)
	}
	if r := k.sh("TEST_NOW=1970-01-01T00:00:40Z " + line); r.code == 0 || strings.Contains(r.stdout, "COOKIE=") {
		t.Errorf("an old code: %+v", r)
	}
}

// The server of OpenVPN gives what it got to a script, which takes the password and the code apart.
const verifySCRV1 = `#!/bin/sh
{ read -r user; read -r password; } <"$1"
echo "$password" >>"$HOME/got"
part() { printf %s "$password" | cut -d: -f"$1" | base64 -d; }
[ "$user" = alice ] && [ "${password%%:*}" = SCRV1 ] && [ "$(part 2)" = "the password" ] && oathtool --totp --window 50 "$HEX" "$(part 3)" || exit 1
`

func recipeOpenVPN(t *testing.T) {
	openvpn := testenv.Program(t, "openvpn", "openvpn")
	testenv.Program(t, "oathtool", "oathtool")
	if f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0); err != nil {
		testenv.Missing(t, "tun", "needs /dev/net/tun: "+err.Error())
	} else {
		f.Close()
	}
	k := newKitchen(t, "vpn")
	cert, key, _ := k.certificate()
	port := strconv.Itoa(freePort(t))
	verify := k.write("verify", verifySCRV1, 0o755)
	log := filepath.Join(k.home, "log")
	// The server without an address of its own and without routes: it changes nothing of the machine's network.
	k.serve(func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "Initialization Sequence Completed")
	}, openvpn, "--mode", "server", "--tls-server", "--dev", "tun", "--proto", "tcp-server", "--local", "127.0.0.1", "--port", port, "--topology", "subnet",
		"--ca", cert, "--cert", cert, "--key", key, "--dh", "none", "--verify-client-cert", "none", "--username-as-common-name", "--script-security", "2",
		"--setenv", "HOME", k.home, "--setenv", "HEX", exampleHex(t), "--auth-user-pass-verify", verify, "via-file", "--log", log, "--tmp-dir", k.home)
	config := k.write("client.ovpn", fmt.Sprintf("client\ndev null\nproto tcp-client\nremote 127.0.0.1 %s\nnobind\nca %s\nauth-retry none\nconnect-retry-max 1\nserver-poll-timeout 20\n", port, cert), 0o600)
	t.Cleanup(func() {
		if text, err := os.ReadFile(log); err == nil && t.Failed() {
			t.Logf("the server said\n%s", text)
		}
	})
	// The client ends as soon as it is connected.
	stop := k.write("stop", "#!/bin/sh\nkill $PPID\n", 0o755)
	if r := k.sh("vpn-openvpn " + config + " --script-security 2 --up-delay --up " + stop); !strings.Contains(r.stdout, "Initialization Sequence Completed") {
		t.Errorf("%+v", r)
	}
	if err := os.Remove(filepath.Join(k.home, "got")); err != nil {
		t.Fatal(err)
	}
	// An old code is refused. It has arrived in the form that OpenVPN gives to what somebody types at the terminal.
	if r := k.sh("TEST_NOW=1970-01-01T00:00:40Z vpn-openvpn " + config); !strings.Contains(r.stdout, "AUTH_FAILED") {
		t.Errorf("an old code: %+v", r)
	}
	k.write("up", "alice\nthe password\n", 0o600)
	seen := k.types("openvpn --config "+config+" --auth-user-pass up --static-challenge 'Which code?' 0", "Which code?", exampleCode)
	got := strings.Fields(string(read(t, filepath.Join(k.home, "got"))))
	if len(got) != 2 || got[0] != got[1] {
		t.Errorf("the server got %q\n%s", got, seen)
	}
}

func recipeFzf(t *testing.T) {
	testenv.Program(t, "fzf", "fzf")
	testenv.Program(t, "jq", "jq")
	k := newKitchen(t, "GitHub:alice")
	k.must("JBSWY3DPEHPK3PXP", "add", "GitHub:tab\there", "--secret-file", "-")
	k.atExample()
	// What is typed comes from fzf's own variable: it takes the only match without drawing.
	k.does("FZF_DEFAULT_OPTS='--query=alice --select-1' code-fzf", exampleCode)
	if r := k.sh("FZF_DEFAULT_OPTS='--query=nobody --exit-0' code-fzf"); r.code == 0 || r.stdout != "" {
		t.Errorf("nothing was chosen: %+v", r)
	}
}

func recipeMenu(t *testing.T) {
	display := cliptest.X11(t)
	testenv.Program(t, "xclip", "xclip")
	k := newKitchen(t, "GitHub:alice", "GitHub:bob")
	k.atExample()
	k.env = append(k.env, display.Env...)
	held := func() string {
		text, _ := display.Run("", "xclip", "-selection", "clipboard", "-out")
		return text
	}
	// What a menu does: it reads lines and prints the chosen one, or fails where nothing was chosen (dmenu(1), rofi-dmenu(5)).
	if r := k.sh("MENU='grep bob' code-menu"); r.code != 0 || r.stdout != "" || held()+"\n" != exampleCode {
		t.Errorf("%+v, and the clipboard holds %q", r, held())
	}
	display.Run("theirs", "xclip", "-selection", "clipboard", "-in")
	if r := k.sh("MENU='grep nobody' code-menu"); r.code == 0 || held() != "theirs" {
		t.Errorf("nothing was chosen: %+v, and the clipboard holds %q", r, held())
	}
}

func recipeAnsible(t *testing.T) {
	testenv.Program(t, "ansible-playbook", "ansible-core")
	k := newKitchen(t, "server")
	k.atExample()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.FormValue("user")+" "+r.FormValue("code")+"\n")
	}))
	defer server.Close()
	if r := k.sh("ansible-playbook ~/bin/code.yml -e login=" + server.URL + "/login"); r.code != 0 || !slices.Equal(got, []string{"alice " + exampleCode}) {
		t.Errorf("%+v, and the server got %q", r, got)
	} else if strings.Contains(r.stdout+r.stderr, strings.TrimSpace(exampleCode)) {
		t.Errorf("the code is in the output: %+v", r)
	}
}

// A server of git that wants the password with the code behind it.
func recipeGit(t *testing.T) {
	testenv.Program(t, "git", "git")
	testenv.Program(t, "jq", "jq")
	k := newKitchen(t, "git")
	k.atExample()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "alice" || password+"\n" != "the password"+exampleCode:
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/info/refs"):
			fmt.Fprintf(w, "%040d\trefs/heads/main\n", 1)
		case strings.HasSuffix(r.URL.Path, "/HEAD"):
			fmt.Fprintln(w, "ref: refs/heads/main")
		}
	}))
	defer server.Close()
	page := string(read(t, filepath.Join(root, "docs", "scripts.md")))
	for _, line := range regexp.MustCompile(`(?m)^git config .*$`).FindAllString(page, -1) {
		k.does(strings.Replace(line, "https://git.example.com", server.URL, 1), "")
	}
	k.env = append(k.env, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1")
	k.does("git ls-remote "+server.URL+"/repository", fmt.Sprintf("%040[1]d\tHEAD\n%040[1]d\trefs/heads/main\n", 1))
	// The end of the code, in seconds since 1970.
	k.does("git-credential-code get", "password=the password"+exampleCode+"password_expiry_utc=60\n")
	k.does("git-credential-code store", "")
}
