package form_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/form"
)

const urlencoded = "application/x-www-form-urlencoded"

func TestDecode(t *testing.T) {
	for _, tc := range []struct{ name, body, want string }{
		{"names in brackets", "data[contacts][0][fName]=Олена&data[contacts][0][lName]=Рудь", `{"data":{"contacts":[{"fName":"Олена","lName":"Рудь"}]}}`},
		{"names with dots", "customer.phones.0.number=1&customer.id=2", `{"customer":{"phones":[{"number":"1"}],"id":"2"}}`},
		{"both in one name", "a[b].c[0].d=1", `{"a":{"b":{"c":[{"d":"1"}]}}}`},
		{"a dot inside brackets is the name's", "a[b.c]=1", `{"a":{"b.c":"1"}}`},
		{"a list", "a[]=x&a[]=y&a[]=", `{"a":["x","y",""]}`},
		{"a list of groups", "a[][b]=1&a[][b]=2", `{"a":[{"b":"1"},{"b":"2"}]}`},
		{"indexes in any order", "a[1]=y&a[0]=x", `{"a":["x","y"]}`},
		{"indexes with a gap are names", "a[0]=x&a[2]=y", `{"a":{"0":"x","2":"y"}}`},
		{"ids are names", "payments[4326][type]=cash", `{"payments":{"4326":{"type":"cash"}}}`},
		{"an index that is huge is a name", "a[99999999999999999999]=x", `{"a":{"99999999999999999999":"x"}}`},
		{"an index with a leading zero is a name", "a[00]=x", `{"a":{"00":"x"}}`},
		{"numbers and names", "a[0]=x&a[b]=y", `{"a":{"0":"x","b":"y"}}`},
		{"a number at the top is a name", "0=x", `{"0":"x"}`},
		{"order is kept", "z=1&a=2&m=3", `{"z":"1","a":"2","m":"3"}`},
		{"encoded", "a%5Bb%5D=%D0%87%D0%B6%D0%B0%D0%BA+%2B1%26%3D", `{"a":{"b":"Їжак +1&="}}`},
		{"no value", "a&b=", `{"a":"","b":""}`},
		{"nothing between two &", "&a=1&&", `{"a":"1"}`},
		{"a semicolon separates nothing", "a=1;b=2", `{"a":"1;b=2"}`},
		{"an equals sign in a value", "a=b=c", `{"a":"b=c"}`},
		{"white space before a name", "+a=1", `{"a":"1"}`},
		{"the same twice", "a=1&a=1", `{"a":"1"}`},
		{"characters that JSON escapes", "a=%22%5C%0A%0D%09%01%7F", `{"a":"\"\\\n\r\t\u0001` + "\x7f" + `"}`},
		{"empty", "", `{}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := form.Decode(urlencoded, []byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("%s\nbecame %s\nwant   %s", tc.body, got, tc.want)
			}
			if !json.Valid(got) {
				t.Error("that is no JSON")
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	many := strings.Repeat("a[]=1&", form.MaxFields+1)
	groups := &strings.Builder{}
	for i := range 9000 {
		fmt.Fprintf(groups, "f%d%s=1&", i, strings.Repeat("[x]", form.MaxDepth-1))
	}
	for _, tc := range []struct{ name, contentType, body, want string }{
		{"a value and a group", urlencoded, "a=1&a[b]=2", "conflict: field `a[b]`: it cannot stand beside field `a`: one is a value where the other is a group"},
		{"a group and a value", urlencoded, "a[b][c]=1&a[b]=2", "conflict: field `a[b]`: it cannot stand beside field `a[b][c]`"},
		{"two values", urlencoded, "status=a&status=b", "conflict: field `status`: it is there twice with different values: name a list `status[]`"},
		{"two spellings, two values", urlencoded, "a.b=1&a[b]=2", "conflict: field `a[b]`: it is there twice"},
		{"[] beside names", urlencoded, "a[b]=1&a[]=2", "conflict: field `a[]`: it mixes [] with names or indexes of the same group (field `a[b]`)"},
		{"an index beside []", urlencoded, "a[]=1&a[1]=2", "conflict: field `a[1]`: it mixes []"},
		{"an open bracket", urlencoded, "a[b=1", "name: field `a[b`: a bracket is not closed"},
		{"a bracket in brackets", urlencoded, "a[b[c]]=1", "name: field `a[b[c]]`: a bracket is not closed"},
		{"a closing bracket", urlencoded, "a]=1", "name: field `a]`: a bracket closes that was not opened"},
		{"a bracket that begins", urlencoded, "[a]=1", "name: field `[a]`: a part of the name is empty"},
		{"text behind a bracket", urlencoded, "a[b]c=1", "name: field `a[b]c`: text follows a closing bracket"},
		{"two dots", urlencoded, "a..b=1", "name: field `a..b`: a part of the name is empty"},
		{"a dot at the end", urlencoded, "a.=1", "name: field `a.`: a part of the name is empty"},
		{"no name", urlencoded, "=1", "name: a field has no name"},
		{"a broken value", urlencoded, "a=100%", "encoding: field `a`: the value holds a % without two hexadecimal digits"},
		{"a broken name", urlencoded, "a%=1", "encoding: field `a%`: the name holds a %"},
		{"Windows-1251", urlencoded, "city=%CA%E8%BF%E2", "charset: field `city`: the value is not UTF-8 (Windows-1251, perhaps)"},
		{"a name in Windows-1251", urlencoded, "%CA=1", "charset: field `\uFFFD`: the name is not UTF-8"},
		{"a charset", urlencoded + "; charset=windows-1251", "a=1", "charset: the body's charset is windows-1251: send UTF-8"},
		{"deep", urlencoded, "a" + strings.Repeat("[b]", form.MaxDepth) + "=1", "too_large: field `a[b]"},
		{"many", urlencoded, many, "too_large: there are more than 10000 fields"},
		{"many groups", urlencoded, groups.String(), "too_large: field `f"},
		{"another type", "text/xml", "<a/>", "media_type: the body is text/xml"},
		{"no type", "", "a=1", "media_type: the Content-Type header cannot be read"},
		{"no boundary", "multipart/form-data", "a", "encoding: the Content-Type header names no boundary"},
		{"cut short", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", "encoding: the multipart body breaks off after 0 fields"},
		{"a file", "multipart/form-data; boundary=x", part(`name="photo"; filename="a.png"`, "", "x"), "file: field `photo`: it is a file"},
		{"a part in Windows-1251", "multipart/form-data; boundary=x", part(`name="a"`, "Content-Type: text/plain; charset=windows-1251\r\n", "x"), "charset: field `a`: its charset is not UTF-8"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := form.Decode(tc.contentType, []byte(tc.body))
			fe, ok := errors.AsType[*form.Error](err)
			if !ok {
				t.Fatalf("gave %.80s, %v", got, err)
			}
			if msg := fe.Code + ": " + fe.Error(); !strings.HasPrefix(msg, tc.want) {
				t.Errorf("refused with\n%s\nwant\n%s", msg, tc.want)
			}
		})
	}
}

// part makes a multipart body of one part.
func part(disposition, header, value string) string {
	return "--x\r\nContent-Disposition: form-data; " + disposition + "\r\n" + header + "\r\n" + value + "\r\n--x--\r\n"
}

func TestMultipart(t *testing.T) {
	got, err := form.Decode("multipart/form-data; boundary=x", []byte(part(`name="data[city]"`, "Content-Type: text/plain; charset=utf-8\r\n", "Ковель\r\nдругий рядок")))
	if want := `{"data":{"city":"Ковель\r\nдругий рядок"}}`; err != nil || string(got) != want {
		t.Errorf("gave %s, %v, want %s", got, err, want)
	}
}

// TestMostFields takes as many fields as are allowed, in one group and in as many.
func TestMostFields(t *testing.T) {
	var body strings.Builder
	for i := range form.MaxFields {
		fmt.Fprintf(&body, "a[%d]=%d&", i, i)
	}
	got, err := form.Decode(urlencoded, []byte(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ A []string }
	if err := json.Unmarshal(got, &out); err != nil || len(out.A) != form.MaxFields || out.A[9999] != "9999" {
		t.Errorf("%d entries, %v", len(out.A), err)
	}
}

func ExampleDecode() {
	body := "data[id]=42957&data[contacts][0][fName]=Олена&data[contacts][0][phone][]=380670000000"
	obj, err := form.Decode("application/x-www-form-urlencoded", []byte(body))
	if err != nil {
		panic(err)
	}
	fmt.Println(string(obj))
	// Output: {"data":{"id":"42957","contacts":[{"fName":"Олена","phone":["380670000000"]}]}}
}

// FuzzDecode checks that a form becomes a JSON object that holds every value of
// the body, or is refused.
func FuzzDecode(f *testing.F) {
	f.Add(urlencoded, "data[contacts][0][fName]=%D0%9E&a[]=1&a[]=2&b.c=3")
	f.Add(urlencoded, "a[0]=1&a[2]=2&a[x]=3&a[0]=1")
	f.Add("multipart/form-data; boundary=x", part(`name="a[b]"`, "", "1"))
	f.Fuzz(func(t *testing.T, contentType, body string) {
		got, err := form.Decode(contentType, []byte(body))
		if err != nil {
			if fe, ok := errors.AsType[*form.Error](err); !ok || strings.ContainsAny(fe.Code, " ") || fe.Message == "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		var object map[string]any
		if err := json.Unmarshal(got, &object); err != nil {
			t.Fatalf("%q became %q: %v", body, got, err)
		}
		if contentType != urlencoded {
			return
		}
		values, err := url.ParseQuery(body)
		if err != nil {
			return // a semicolon, which net/url refuses
		}
		left := map[string]int{}
		count(object, left)
		for _, vs := range values {
			for _, v := range vs {
				if left[v] == 0 {
					t.Fatalf("%q became %s: %q is lost", body, got, v)
				}
			}
		}
	})
}

// count counts the texts of a JSON value.
func count(v any, into map[string]int) {
	switch v := v.(type) {
	case string:
		into[v]++
	case []any:
		for _, e := range v {
			count(e, into)
		}
	case map[string]any:
		for _, e := range v {
			count(e, into)
		}
	}
}
