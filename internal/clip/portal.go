package clip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	// portalEnd is how long a request that is not needed any more may take to end.
	portalEnd = time.Second

	portalName    = "org.freedesktop.portal.Desktop"
	portalPath    = dbus.ObjectPath("/org/freedesktop/portal/desktop")
	portalRequest = "org.freedesktop.portal.Request"

	// portal is its name in errors.
	portal = "the desktop's portal"
)

// errRefused is returned where a person did not allow a picture.
var errRefused = errors.New("the picture was not allowed")

// errNoPortal is returned where the session has no portal, or one that takes no pictures.
var errNoPortal = errors.New("the desktop has no portal for pictures of the screen")

// portalShot asks the desktop for a picture of the screen; a person may have to allow it. The portal leaves a file among the
// user's pictures, which is removed before it is read. A picture that comes after ctx has ended
// is removed as well.
//
// Source: XDG Desktop Portal, org.freedesktop.portal.Screenshot and Request.
func (s System) portalShot(ctx context.Context, part Part) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, chooseTime)
	defer cancel()
	// The connection outlives ctx: the request has to be ended over it.
	life, end := context.WithTimeout(context.WithoutCancel(ctx), chooseTime+2*portalEnd)
	defer end()
	conn, err := dbus.Connect(s.Bus, dbus.WithContext(life))
	if err != nil {
		return nil, errNoPortal
	}
	defer conn.Close()
	token := "auth" + rand.Text()
	sender := strings.ReplaceAll(strings.TrimPrefix(conn.Names()[0], ":"), ".", "_")
	request := portalPath + dbus.ObjectPath("/request/"+sender+"/"+token)
	answers := make(chan *dbus.Signal, 4)
	conn.Signal(answers)
	// Before the request: the answer may come first.
	if err := conn.AddMatchSignalContext(life, dbus.WithMatchObjectPath(request), dbus.WithMatchInterface(portalRequest)); err != nil {
		return nil, errNoPortal
	}
	asked := conn.Object(portalName, portalPath).GoWithContext(life, "org.freedesktop.portal.Screenshot.Screenshot", 0, make(chan *dbus.Call, 1),
		"", map[string]dbus.Variant{"handle_token": dbus.MakeVariant(token), "interactive": dbus.MakeVariant(part == Region)})
	taken := asked.Done
	for {
		select {
		case call := <-taken:
			if call.Err != nil {
				return nil, portalError(call.Err)
			}
			taken = nil
		case answer, ok := <-answers:
			if !ok {
				return nil, &FailedError{portal, "the session bus has ended"}
			}
			if answer.Path == request {
				image, err := portalPicture(answer)
				if part == Region && errors.Is(err, errRefused) {
					err = ErrNotChosen
				}
				return image, err
			}
		case <-ctx.Done():
			endRequest(conn, request, answers)
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, &FailedError{portal, fmt.Sprintf("it did not answer within %v", chooseTime)}
			}
			return nil, ctx.Err()
		}
	}
}

// portalError tells a portal that is not there from one that could not do it.
func portalError(err error) error {
	refused, ok := errors.AsType[dbus.Error](err)
	if !ok {
		return &FailedError{portal, err.Error()}
	}
	switch kind := strings.TrimPrefix(refused.Name, "org.freedesktop.DBus.Error."); {
	case kind == "ServiceUnknown", kind == "NameHasNoOwner", kind == "UnknownMethod", kind == "UnknownInterface", kind == "UnknownObject",
		strings.HasPrefix(kind, "Spawn."):
		return errNoPortal
	default:
		return &FailedError{portal, refused.Error()}
	}
}

// endRequest ends a request, and removes the picture that came all the same.
func endRequest(conn *dbus.Conn, request dbus.ObjectPath, answers <-chan *dbus.Signal) {
	ctx, cancel := context.WithTimeout(context.Background(), portalEnd)
	defer cancel()
	closed := conn.Object(portalName, request).GoWithContext(ctx, portalRequest+".Close", 0, make(chan *dbus.Call, 1))
	for {
		select {
		case call := <-closed.Done:
			if call.Err == nil {
				return // no picture will come
			}
			closed.Done = nil // it has been answered already, or is still on its way
		case answer, ok := <-answers:
			if ok && answer.Path != request {
				continue
			}
			if ok {
				_, _ = portalPicture(answer)
			}
			return
		case <-ctx.Done():
			return
		}
	}
}

// portalPicture reads the picture that an answer names, and removes its file.
func portalPicture(answer *dbus.Signal) ([]byte, error) {
	var code uint32
	var results map[string]dbus.Variant
	if err := dbus.Store(answer.Body, &code, &results); err != nil {
		return nil, &FailedError{portal, "its answer is not understood"}
	}
	switch code {
	case 0:
	case 1:
		return nil, fmt.Errorf("%s: %w", portal, errRefused)
	default:
		return nil, &FailedError{portal, "it took no picture"}
	}
	text, _ := results["uri"].Value().(string)
	uri, err := url.Parse(text)
	if err != nil || uri.Scheme != "file" || uri.Host != "" && uri.Host != "localhost" {
		return nil, &FailedError{portal, "it named no file"}
	}
	if info, err := os.Lstat(uri.Path); err != nil || !info.Mode().IsRegular() {
		return nil, &FailedError{portal, "it wrote no picture"}
	}
	file, err := os.Open(uri.Path)
	if removeErr := os.Remove(uri.Path); err == nil && removeErr != nil {
		file.Close()
		return nil, fmt.Errorf("the picture of the screen was left behind: %w", removeErr)
	}
	if err != nil {
		return nil, fmt.Errorf("read the picture of the screen: %w", err)
	}
	defer file.Close()
	image, err := io.ReadAll(io.LimitReader(file, maxImage+1))
	if err == nil && len(image) > maxImage {
		return nil, &FailedError{portal, errTooMuch.Error()}
	}
	return image, err
}
