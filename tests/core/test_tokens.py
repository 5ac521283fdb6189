import pytest

from bloomery.core.log import get_log, log_to
from bloomery.core.tokens import MASK, mask, tokens_in

R = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"  # forty characters, as random as tests need
TOKENS = {
    "GitHub token": [f"ghp_{R}", f"ghs_{R}", f"github_pat_{R}_{R}"],
    "GitLab token": [f"glpat-{R[:20]}"],
    "model provider's key": [f"sk-{R}", f"sk-proj-{R}", f"sk-ant-api03-{R}-{R}"],
    "AWS access key": ["AKIA" + "IOSFODNN7EXAMPLE"],
    "Google key": ["AIza" + R[:35]],
    "Slack token": [f"xoxb-1234567890-{R[:12]}"],
    "Stripe key": [f"sk_live_{R[:24]}"],
    "package index token": [f"npm_{R[:36]}", f"pypi-{R}{R}"],
    "Hugging Face token": [f"hf_{R[:34]}"],
    "JSON web token": [f"eyJ{R[:12]}.eyJ{R[:20]}.{R[:20]}"],
    "private key": [f"-----BEGIN RSA PRIVATE KEY-----\n{R}\n{R}\n-----END RSA PRIVATE KEY-----"],
    "authorization header": [f"Bearer {R}", f"authorization: basic {R}="],
    "secret assigned to a name": [f'api_key = "{R}"', f"'client_secret': '{R}'"],
    "password in a URL": ["https://ada:hunter22@host/x"],
}
HARMLESS = (
    "sk-learn is not a key",
    "sk-something-that-only-has-words-in-it",
    "hf_hub_download(repo)",
    "ghp_short",
    "token = tokens[index]",
    'password = "correct horse battery staple"',
    "api_key = os.environ['API_KEY']",
    'TOKEN = "BLOOMERY_KUBO_TOKEN_IN_THE_ENVIRONMENT"',
    "postgresql://user:password@host/name",
    "a@b:c/d",
    "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
    "http://{user}:{pw}@host",
    "basic idea",
    "1f2d0c4b5a69788766554433221100ffeeddccbb",
    "import token_classification_pipeline_for_models_2024 as t",
)


@pytest.mark.parametrize(("kind", "token"), [(kind, one) for kind, all_ in TOKENS.items() for one in all_])
def test_a_token_of_each_kind_is_found_and_masked(kind: str, token: str) -> None:
    text = f"first\nsee {token} there\n"
    assert tokens_in(text) == [(2, kind)]
    masked = mask(text)
    assert masked.startswith("first\n")
    assert masked.endswith(" there\n")
    assert MASK in masked
    assert R[:12] not in masked
    assert "hunter22" not in masked
    assert "IOSFODNN" not in masked


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_token_stays(text: str) -> None:
    assert (mask(text), tokens_in(text)) == (text, [])


def test_several_tokens_are_all_masked_and_masking_again_changes_nothing() -> None:
    text = f"ghp_{R} and hf_{R[:34]}, then Bearer sk-{R}"
    masked = mask(text)
    assert masked == f"{MASK} and {MASK}, then {MASK}"
    assert mask(masked) == masked


def test_a_token_in_the_middle_of_a_sentence_is_not_logged(tmp_path, capsys) -> None:
    with log_to(tmp_path / "log.jsonl"):
        get_log("x").warning("it failed", why=f"401 for ghp_{R} at the API", deep=[{"said": f"hf_{R[:34]}"}])
    written = (tmp_path / "log.jsonl").read_text() + capsys.readouterr().err
    assert "it failed" in written
    assert R[:12] not in written
