-- The health of an McpServer for Argo CD: what its conditions say, about the spec that is there now.
local hs = { status = "Progressing", message = "Waiting for anypod to look at it" }

if obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Being deleted"
  return hs
end

local status = obj.status or {}
if status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return hs
end

local found = {}
for _, condition in ipairs(status.conditions) do
  found[condition.type] = condition
end

local function says(type, value)
  return found[type] ~= nil and found[type].status == value
end

if obj.spec.paused then
  hs.status = "Suspended"
  hs.message = "spec.paused is true: nothing is written until it is false"
elseif says("Stalled", "True") then
  hs.status = "Degraded"
  hs.message = found.Stalled.message
elseif says("Reconciling", "True") then
  hs.message = found.Reconciling.message
elseif says("Ready", "True") then
  hs.status = "Healthy"
  hs.message = found.Ready.message
elseif found.Ready ~= nil then
  hs.message = found.Ready.message
end
return hs
