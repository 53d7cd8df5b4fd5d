import re
from xml.etree.ElementTree import fromstring

from benchmarks.peers.picture import picture
from benchmarks.peers.ratios import Round

_ROUND: Round = {
    "direct": {"json_rps": 300.0},
    "nginx": {"json_rps": 100.0},
    "tianji": {"json_rps": 10.0},
    "slow": {"json_rps": 1.0},
}
_VERSIONS = {"direct": "", "nginx": "1.2", "tianji": "0.1", "slow": "<9>"}


def _bars(svg: str) -> dict[str, float]:
    names = re.findall(r'class="right">([^<]+)<', svg)
    return dict(zip(names, (float(width) for width in re.findall(r'<rect x="120" y="\d+" width="([\d.]+)"', svg)), strict=True))


def test_bars_grow_by_powers_of_ten() -> None:
    bars = _bars(picture([_ROUND], _VERSIONS, ""))
    assert list(bars) == ["nginx", "tianji", "slow"]
    assert round(bars["nginx"] / bars["tianji"], 2) == 2.0
    assert bars["slow"] == 2.0


def test_picture_is_well_formed_and_names_the_versions() -> None:
    svg = picture([_ROUND], _VERSIONS, "This run does not count.")
    texts = [element.text or "" for element in fromstring(svg).iter()]  # noqa: S314 - our own text
    assert "nginx 1.2, tianji 0.1, slow <9>. This run does not count." in texts


def test_panel_without_figures_is_left_out() -> None:
    svg = picture([_ROUND], _VERSIONS, "")
    assert "Answers per second" in svg
    assert "Latency added" not in svg
