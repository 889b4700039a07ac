from pathlib import Path

import pytest
from pydantic import ValidationError

from fabroute.settings import SecretsFolderMissing, Settings, setting_problems

EMBEDDED = "postgresql+psycopg://app_rw@/fabroute?host=/tmp/fabroute-abc12345/postgres"


def test_defaults_need_no_environment() -> None:
    settings = Settings()

    assert (settings.profile, settings.database_url, settings.broker_url) == ("development", None, None)
    assert settings.routing_wall_seconds < settings.routing_lease_seconds


@pytest.mark.parametrize("field", ["database_url", "migration_database_url", "broker_url"])
@pytest.mark.parametrize("profile", ["development", "production"])
def test_embedded_servers_are_refused_outside_their_profile(field: str, profile: str) -> None:
    url = EMBEDDED if "database" in field else "redis+socket:///tmp/fabroute-abc12345/redis/redis.sock"

    with pytest.raises(ValidationError, match="embedded servers, which are for the demo") as refusal:
        Settings.model_validate({"profile": profile, field: url})

    assert "FABROUTE_PROFILE=embedded" in str(refusal.value)
    assert Settings.model_validate({"profile": "embedded", field: url}).profile == "embedded"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app_rw@%2Ftmp%2Ffabroute-abc12345%2Fpostgres/fabroute",
        "postgresql://app_rw@/fabroute?host=%2Fdev%2Fshm%2Ffabroute-abc12345%2Fpostgres",
    ],
)
def test_an_embedded_server_is_refused_however_its_folder_is_written(url: str) -> None:
    with pytest.raises(ValidationError, match="embedded servers, which are for the demo") as refusal:
        Settings.model_validate({"profile": "production", "database_url": url})

    assert len(refusal.value.errors()) == 1


def test_what_is_wrong_is_told_without_the_secrets_that_stand_beside_it() -> None:
    given = {"profile": "production", "database_url": f"{EMBEDDED}&password=pa55word", "oidc_client_secret": "s3cr3t"}

    with pytest.raises(ValidationError) as refusal:
        Settings.model_validate(given)

    assert "pa55word" not in str(refusal.value)
    assert "s3cr3t" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"profile": "production"}, "live"),
        ({"profile": "development"}, "test"),
        ({"profile": "embedded"}, "test"),
        ({}, "test"),
        ({"profile": "production", "environment_name": "staging"}, "staging"),
    ],
)
def test_keys_say_whether_they_are_for_production_unless_another_word_is_set(given: dict[str, str], name: str) -> None:
    assert Settings.model_validate(given).environment_name == name


def test_a_word_that_can_not_stand_in_a_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(environment_name="my_world")


def test_servers_of_one_s_own_are_taken_whatever_their_folder() -> None:
    settings = Settings(database_url="postgresql://fabroute@/fabroute?host=/run/postgresql")

    assert settings.database_url == "postgresql://fabroute@/fabroute?host=/run/postgresql"
    assert settings.profile == "development"


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValidationError, match="profile") as refusal:
        Settings.model_validate({"profile": "staging"})

    assert "'development', 'embedded' or 'production'" in str(refusal.value)


def test_a_validation_ends_before_its_task_and_its_lease_outlives_both() -> None:
    settings = Settings()

    assert settings.validation_wall_seconds == 30 < 40 < settings.validation_lease_seconds == 90
    assert (settings.validation_attempt_cap, settings.four_eyes, settings.upload_slots) == (4, False, 4)
    assert settings.max_upload_bytes == 256 * 1024 * 1024
    assert str(settings.signing_key_file) == ".fabroute/signing-key.pem"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("validation_wall_seconds", 31),
        ("validation_wall_seconds", 0),
        ("validation_lease_seconds", 59),
        ("validation_attempt_cap", 0),
        ("max_upload_bytes", 0),
        ("upload_slots", 0),
    ],
)
def test_limits_of_files_that_can_not_work_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name) as refusal:
        Settings.model_validate({name: value})

    assert refusal.value.error_count() == 1


def test_settings_can_stand_in_files_and_the_environment_goes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fabroute_database_url").write_text("postgresql://app_rw:s3cr3t@db/fabroute\n", encoding="utf-8")
    (tmp_path / "fabroute_broker_url").write_text("redis://:s3cr3t@redis/0\n", encoding="utf-8")
    (tmp_path / "redis.acl").write_text("of somebody else", encoding="utf-8")
    monkeypatch.setenv("FABROUTE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("FABROUTE_BROKER_URL", "redis://:0ther@redis/0")

    settings = Settings()

    assert settings.database_url == "postgresql://app_rw:s3cr3t@db/fabroute"
    assert settings.broker_url == "redis://:0ther@redis/0"


def test_a_folder_of_secrets_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABROUTE_SECRETS_DIR", str(tmp_path / "nowhere"))

    with pytest.raises(SecretsFolderMissing, match="which is no folder: mount the secrets there, or leave it out"):
        Settings()


def test_what_is_wrong_in_a_file_is_told_without_what_stands_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fabroute_database_url").write_text(f"{EMBEDDED}&password=pa55word", encoding="utf-8")
    monkeypatch.setenv("FABROUTE_SECRETS_DIR", str(tmp_path))

    with pytest.raises(ValidationError, match="embedded servers, which are for the demo") as refusal:
        Settings()

    assert "pa55word" not in str(refusal.value)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "METRICS_PORT", "HTTP_PORT", "PROFILE", "OIDC_ISSUER", "LIFE_SIGN_FILE"):
        monkeypatch.setenv(f"FABROUTE_{name}", "")

    assert Settings().database_url is None
    assert (Settings().metrics_port, Settings().http_port, Settings().life_sign_file) == (None, 8000, None)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTTP_PORT", "abc", "FABROUTE_HTTP_PORT: give a whole number"),
        ("HTTP_PORT", "0", "FABROUTE_HTTP_PORT: give 1 or more"),
        ("HTTP_PORT", "65536", "FABROUTE_HTTP_PORT: give 65535 or less"),
        ("INTAKE_WRITERS", "0", "FABROUTE_INTAKE_WRITERS: give more than 0"),
        ("METRICS_TOKEN", "zq-short", "FABROUTE_METRICS_TOKEN: give at least 20 characters"),
        ("OIDC_ISSUER", "https://a/" + 500 * "b", "FABROUTE_OIDC_ISSUER: give at most 500 characters"),
        ("CONSOLE", "perhaps", "FABROUTE_CONSOLE: give true or false"),
        ("PROFILE", "staging", "FABROUTE_PROFILE: give 'development', 'embedded' or 'production'"),
        ("STORAGE_ENDPOINT", "minio", r"FABROUTE_STORAGE_ENDPOINT: what it says does not match ^https?://[^\s?#]+$"),
    ],
)
def test_what_is_wrong_with_a_variable_is_told_by_its_name_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"FABROUTE_{variable}", value)

    with pytest.raises(ValidationError) as refusal:
        Settings()

    assert setting_problems(refusal.value) == words


@pytest.mark.parametrize("name", ["database_url", "migration_database_url"])
def test_a_url_of_postgres_is_one_of_postgresql(name: str) -> None:
    given = Settings.model_validate({name: "postgres://app_rw:postgres%3A%2F%2F@db/fabroute"})

    assert getattr(given, name) == "postgresql://app_rw:postgres%3A%2F%2F@db/fabroute"
