import type { Type } from '@nestjs/common';

import { writePipelineModules } from '../hubs/hub.metadata.js';
import type { HubPipelineModule } from '../invocation/hub-pipeline-module.js';

/**
 * Adds pipeline modules to one hub; they run inside of those of the application.
 *
 * @param modules instances, or classes that are providers of any module or whose dependencies the module that imports
 * `SignalRModule` can see; the first one is the outermost.
 * @publicApi
 */
export function UsePipeline(
  ...modules: readonly (HubPipelineModule | Type<HubPipelineModule>)[]
): ClassDecorator {
  return (type) => writePipelineModules(type as unknown as Type, modules);
}
