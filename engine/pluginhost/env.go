package pluginhost

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/wire"
)

// passed are the variables of the engine's environment that a plugin sees:
// where to find programs and temporary files, how to reach the network and whom
// to trust there, the time zone and the language. Nothing else passes: the
// engine's environment holds other connections' secrets.
func passed() []string {
	return []string{
		"PATH", "HOME", "TMPDIR", "TZ", "ZONEINFO", "LANG", "LC_ALL", "LC_CTYPE",
		"SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
		"http_proxy", "https_proxy", "no_proxy", "all_proxy",
		"SystemRoot", "TEMP", "TMP",
	}
}

// environment gives the variables of a plugin's process. Of extra, NAME=VALUE
// sets a variable and NAME passes the engine's own.
func environment(extra []string) []string {
	var out []string
	for _, name := range append(passed(), extra...) {
		if strings.Contains(name, "=") {
			out = append(out, name)
		} else if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// logLevel tells a plugin from which level on the engine logs.
func logLevel(ctx context.Context, log *slog.Logger) string {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(ctx, l) {
			return wire.LogLevelKey + "=" + strings.ToLower(l.String())
		}
	}
	return wire.LogLevelKey + "=error"
}
