"""The answer behind `hugeresv fit`: whether a mapping would fit now, where it would fail, and what makes it fit."""
