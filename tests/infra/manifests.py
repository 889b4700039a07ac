"""What stands in the files under infra/, read: manifests of Kubernetes with their overlays put together."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
KUBERNETES = INFRA / "kubernetes"
OVERLAYS = ("small", "production")
Manifest = dict[str, Any]

_KNOWN = {
    *("apiVersion", "kind", "namespace", "resources", "components", "labels", "images", "replicas", "patches"),
}
"""Of kustomize, what this understands; a kustomization with more fails instead of being half understood."""
_SCALED = ("Deployment", "StatefulSet")


def load(path: Path) -> Any:
    """Return the only document of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def documents(path: Path) -> list[Manifest]:
    """Return all documents of a YAML file."""
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def built(overlay: str) -> list[Manifest]:
    """Return all manifests of an overlay, as kustomize puts them together."""
    return _build(KUBERNETES / "overlays" / overlay, [])


def built_with(overlay: str, component: str) -> list[Manifest]:
    """Return all manifests of an overlay to which a component is added that it has not."""
    return _build(KUBERNETES / "components" / component, built(overlay))


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    """Return the manifests of some kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    """Return a manifest's name."""
    return str(manifest["metadata"]["name"])


def pod_of(manifest: Manifest) -> Manifest | None:
    """Return the pod template of whatever runs pods; ``None`` for anything else."""
    template = manifest.get("spec", {}).get("template")
    return template if isinstance(template, dict) and "spec" in template else None


def containers_of(manifest: Manifest) -> list[Manifest]:
    """Return the containers of whatever runs pods."""
    pod = pod_of(manifest)
    return [] if pod is None else [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def _build(folder: Path, taken: list[Manifest]) -> list[Manifest]:
    """Add what a kustomization holds to ``taken``, and do with all of it what it says."""
    given = load(folder / "kustomization.yaml")
    unknown = set(given) - _KNOWN
    assert not unknown, f"{folder}: {unknown} is not understood here"
    own: list[Manifest] = []
    for entry in given.get("resources", ()):
        place = folder / entry
        own += _build(place, []) if place.is_dir() else documents(place)
    everything = [*taken, *own]
    for entry in given.get("components", ()):
        everything = _build(folder / entry, everything)
    for manifest in everything:
        _name_space(manifest, given.get("namespace"))
        _label(manifest, given.get("labels", ()))
        _image(manifest, given.get("images", ()))
        _scale(manifest, given.get("replicas", ()))
    for patch in given.get("patches", ()):
        everything = list(_patched(everything, patch))
    return everything


def _name_space(manifest: Manifest, name: str | None) -> None:
    if name is not None and manifest["kind"] != "Namespace":
        manifest["metadata"]["namespace"] = name


def _label(manifest: Manifest, labels: Sequence[Mapping[str, Any]]) -> None:
    for entry in labels:
        assert set(entry) == {"pairs", "includeTemplates"}
        manifest["metadata"].setdefault("labels", {}).update(entry["pairs"])
        if (pod := pod_of(manifest)) is not None:
            pod["metadata"].setdefault("labels", {}).update(entry["pairs"])


def _image(manifest: Manifest, images: Sequence[Mapping[str, str]]) -> None:
    for container in containers_of(manifest):
        for image in images:
            if container["image"].partition(":")[0] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"


def _scale(manifest: Manifest, replicas: Sequence[Mapping[str, Any]]) -> None:
    for entry in replicas:
        if manifest["kind"] in _SCALED and name_of(manifest) == entry["name"]:
            manifest["spec"]["replicas"] = entry["count"]


def _patched(manifests: Sequence[Manifest], patch: Mapping[str, Any]) -> Iterator[Manifest]:
    target, change = patch["target"], yaml.safe_load(patch["patch"])
    hit = [item for item in manifests if item["kind"] == target["kind"] and name_of(item) == target["name"]]
    assert hit, f"a patch has no target: {target}"
    for manifest in manifests:
        if manifest not in hit:
            yield manifest
        elif isinstance(change, list):
            yield _replaced(manifest, change)
        else:
            assert change["$patch"] == "delete"


def _replaced(manifest: Manifest, changes: Sequence[Mapping[str, Any]]) -> Manifest:
    """Return a manifest with JSON 6902 replacements, and with what is added to its maps."""
    result = deepcopy(manifest)
    for change in changes:
        assert change["op"] in ("replace", "add")
        *way, last = change["path"].strip("/").split("/")
        place: Any = result
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        assert isinstance(place, dict) or change["op"] == "replace"
        place[int(last) if isinstance(place, list) else last] = change["value"]
    return result
