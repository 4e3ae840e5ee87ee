package lab

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// forUser answers for a user that is there.
func (a *AWS) forUser(w http.ResponseWriter, f url.Values, do func(*awsUser)) {
	u := a.users[f.Get("UserName")]
	if u == nil {
		noSuchUser(w, f.Get("UserName"))
		return
	}
	do(u)
}

func (a *AWS) tagUser(w http.ResponseWriter, _ *awsKey, f url.Values) {
	a.forUser(w, f, func(u *awsUser) {
		if u.tags == nil {
			u.tags = map[string]string{}
		}
		for i := 1; f.Has(fmt.Sprintf("Tags.member.%d.Key", i)); i++ {
			u.tags[f.Get(fmt.Sprintf("Tags.member.%d.Key", i))] = f.Get(fmt.Sprintf("Tags.member.%d.Value", i))
		}
		reply(w, "TagUser", struct{}{})
	})
}

func (a *AWS) untagUser(w http.ResponseWriter, _ *awsKey, f url.Values) {
	a.forUser(w, f, func(u *awsUser) {
		for i := 1; f.Has(fmt.Sprintf("TagKeys.member.%d", i)); i++ {
			delete(u.tags, f.Get(fmt.Sprintf("TagKeys.member.%d", i)))
		}
		reply(w, "UntagUser", struct{}{})
	})
}

func (a *AWS) listTags(w http.ResponseWriter, _ *awsKey, f url.Values) {
	a.forUser(w, f, func(u *awsUser) {
		type tag struct{ Key, Value string }
		var out struct {
			IsTruncated bool
			Tags        struct {
				Member []tag `xml:"member"`
			}
		}
		for _, k := range slices.Sorted(maps.Keys(u.tags)) {
			out.Tags.Member = append(out.Tags.Member, tag{k, u.tags[k]})
		}
		reply(w, "ListUserTags", out)
	})
}

// Tags returns a user's tags.
func (a *AWS) Tags(user string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.users[user].tags)
}

// AgeTags sets the times in a user's tags back.
func (a *AWS) AgeTags(user string, by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, v := range a.users[user].tags {
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			a.users[user].tags[k] = at.Add(-by).Format(time.RFC3339Nano)
		}
	}
}
