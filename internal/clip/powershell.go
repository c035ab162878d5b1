package clip

import (
	"encoding/base64"
	"encoding/binary"
	"time"
	"unicode/utf16"
)

// powerTime is how long PowerShell may take, which starts slowly.
const powerTime = 20 * time.Second

// The scripts are the same for everybody: the text comes through standard input.
//
// The three formats beside the text keep it out of the history of the clipboard, out of
// the clipboards of the user's other machines, and away from programs that watch it.
//
// Source: Microsoft, Clipboard Formats, "Cloud Clipboard and Clipboard History Formats".
const (
	powerSet = `$ErrorActionPreference='Stop'
Add-Type -AssemblyName System.Windows.Forms
$text=[Console]::In.ReadToEnd()
$data=New-Object System.Windows.Forms.DataObject
$data.SetText($text)
$no=New-Object System.IO.MemoryStream(,[byte[]](0,0,0,0))
foreach($format in 'ExcludeClipboardContentFromMonitorProcessing','CanIncludeInClipboardHistory','CanUploadToCloudClipboard'){$data.SetData($format,$false,$no)}
[System.Windows.Forms.Clipboard]::SetDataObject($data,$true)`
	powerRead  = `[Console]::OutputEncoding=[Text.Encoding]::UTF8; Get-Clipboard -Raw`
	powerClear = `Add-Type -AssemblyName System.Windows.Forms; [System.Windows.Forms.Clipboard]::Clear()`
)

// powerShell is the clipboard of Windows, seen from the Windows Subsystem for Linux.
func (s System) powerShell() board {
	return &programBoard{s: s, set: power(powerSet), read: power(powerRead), empty: power(powerClear)}
}

// power runs a script in Windows PowerShell. It is encoded as one word, so that nothing on
// the way understands it differently.
//
// Source: Microsoft, about_PowerShell_exe, -EncodedCommand: UTF-16LE in base64.
func power(script string) program {
	var utf []byte
	for _, unit := range utf16.Encode([]rune(script)) {
		utf = binary.LittleEndian.AppendUint16(utf, unit)
	}
	return program{
		name: "powershell.exe", time: powerTime,
		args: []string{"-NoProfile", "-NonInteractive", "-STA", "-EncodedCommand", base64.StdEncoding.EncodeToString(utf)},
	}
}
