package preflight

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"piwiz/nixgen/shell"
)

// CacheInfo is the first file that Nix asks of the public cache.
const CacheInfo = "https://cache.nixos.org/nix-cache-info"

// Cache says whether ready-made packages can be had from the cache that has
// this address. If not it is a warning: what is needed may be here already.
func Cache(ctx context.Context, address string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	where := address
	if u, err := url.Parse(address); err == nil {
		if where = u.Host; u.Scheme == "file" {
			return folder(u.Path)
		}
	}
	why, err := head(ctx, address)
	if err == nil {
		return "Ready-made packages can be downloaded (" + where + ").", nil
	}
	return "", &Problem{
		Headline: "Ready-made packages cannot be downloaded: " + where + " " + why + ".", Warning: true,
		Why:  "A first build downloads 2 to 3 GB of packages. What was downloaded before is not needed again.",
		Todo: []string{"Connect this computer to the internet. Behind a proxy, set https_proxy, for the Nix service too if this computer has one.", "See what happens: curl -I " + address}, Err: err,
	}
}

// folder is for a cache that is a folder, which has that file.
func folder(info string) (string, error) {
	dir := filepath.Dir(info)
	if _, err := os.Stat(info); err != nil {
		return "", &Problem{
			Headline: "Ready-made packages cannot be taken from " + dir + ": it is not the folder of a cache.", Warning: true,
			Why: err.Error(), Todo: []string{"See what is there: ls " + shell.Quote(dir)}, Err: err,
		}
	}
	return "Ready-made packages are taken from " + dir + ".", nil
}

func head(ctx context.Context, address string) (why string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return "has no valid address", err
	}
	resp, err := http.DefaultClient.Do(req)
	switch {
	case ctx.Err() != nil:
		return "does not answer within 3 s", ctx.Err()
	case err != nil:
		return "cannot be reached", err
	}
	_ = resp.Body.Close() // a HEAD has none
	if resp.StatusCode != http.StatusOK {
		return "answers " + resp.Status, fmt.Errorf("status %s", resp.Status)
	}
	return "", nil
}
